import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, test } from "vitest";
import { deferHead } from "../../src/adapters/shared/deferred-head.ts";
import type { HeaderLine, ResponseHead } from "../../src/http/headers.ts";
import { exchange, headerOf, RawConnection, type RawReply, valuesOf } from "../../src/testing/adapter/raw-http.ts";
import { deferred } from "../../src/testing/deferred.ts";

type Commit = (head: ResponseHead) => HeaderLine[] | Promise<HeaderLine[]>;
type Handler = (response: ServerResponse, request: IncomingMessage) => unknown;

const cookie: HeaderLine = ["set-cookie", "session=1"];
const closing: (() => unknown)[] = [];
const unhandled: unknown[] = [];
process.on("unhandledRejection", (error) => unhandled.push(error));

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  expect(unhandled.splice(0)).toEqual([]);
});

/** A server whose responses are held until `commit`; what fails is answered with a plain 503. */
async function serve(
  commit: Commit,
  handler: Handler,
  fail: (response: ServerResponse) => void = sayBroken,
): Promise<string> {
  const server = createServer((request, response) => {
    deferHead(response, commit, () => fail(response));
    return handler(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sayBroken(response: ServerResponse): void {
  response.statusCode = 503;
  response.end("broken");
}

const forms: [
  name: string,
  handler: Handler,
  expected: { status?: number; body?: string; head?: Record<string, string> },
][] = [
  ["end", (r) => r.end("hello"), { body: "hello", head: { "content-length": "5" } }],
  ["end without a body", (r) => r.end(), { body: "", head: { "content-length": "0" } }],
  ["end with an encoding", (r) => r.end("aGVsbG8=", "base64"), { body: "hello", head: { "content-length": "5" } }],
  [
    "write before end",
    (r) => [r.write("hel"), r.end("lo")],
    { body: "hello", head: { "transfer-encoding": "chunked" } },
  ],
  ["write, later end", (r) => [r.write("hel"), setImmediate(() => r.end("lo"))], { body: "hello" }],
  ["write without looking", (r) => [r.write("h"), r.write(Buffer.from("ell")), r.end("o")], { body: "hello" }],
  ["writeHead", (r) => r.writeHead(201).end("made"), { status: 201, body: "made" }],
  [
    "writeHead with an object",
    (r) => r.writeHead(201, { "X-A": "1", Vary: "Origin" }).end("made"),
    { status: 201, head: { "x-a": "1" } },
  ],
  [
    "writeHead with a message",
    (r) => r.writeHead(201, "Yes", { "X-A": "1" }).end("made"),
    { status: 201, head: { "x-a": "1" } },
  ],
  [
    "writeHead with a flat list",
    (r) => r.writeHead(201, ["X-A", "1", "X-A", "2"]).end("made"),
    { status: 201, head: { "x-a": "1, 2" } },
  ],
  [
    "writeHead with pairs",
    (r) =>
      r
        .writeHead(201, [
          ["X-A", "1"],
          ["X-A", "2"],
        ] as never)
        .end("made"),
    { status: 201, head: { "x-a": "1, 2" } },
  ],
  [
    "writeHead with a message and a flat list",
    (r) => r.writeHead(201, "Yes", ["X-A", "1"]).end("made"),
    { status: 201, body: "made", head: { "x-a": "1" } },
  ],
  [
    "writeHead over headers set before",
    (r) => r.setHeader("X-A", "0").setHeader("X-B", "2").writeHead(200, { "x-a": "1" }).end(),
    { head: { "x-a": "1", "x-b": "2" } },
  ],
  ["flushHeaders", (r) => [r.flushHeaders(), r.end("hello")], { body: "hello" }],
  ["a redirect", (r) => r.writeHead(303, { Location: "/next" }).end(), { status: 303, head: { location: "/next" } }],
  ["304", (r) => r.writeHead(304, { ETag: '"a"' }).end(), { status: 304, head: { etag: '"a"' }, body: "" }],
  ["pipe", (r) => Readable.from(["hel", "lo"]).pipe(r), { body: "hello" }],
  ["pipeline", (r) => pipeline(Readable.from(["hel", "lo"]), r), { body: "hello" }],
  [
    "the encoding and callback of write",
    (r) => r.write("68656c", "hex", () => r.end("6c6f", "hex")),
    { body: "hello" },
  ],
];

const commits: [name: string, (lines: HeaderLine[]) => ReturnType<Commit>][] = [
  ["a commit that answers at once", (lines) => lines],
  ["a commit that takes a while", (lines) => new Promise((resolve) => setImmediate(resolve, lines))],
];

describe.each(commits)("%s", (_, answer) => {
  test.each(forms)("%s sends the lines of one commit in the head", async (_, handler, expected) => {
    let count = 0;
    const origin = await serve(() => {
      count += 1;
      return answer([cookie, ["vary", "Cookie"]]);
    }, handler);
    const reply = await exchange(origin, { path: "/" });
    check(reply, expected);
    expect(valuesOf(reply, "set-cookie")).toEqual(["session=1"]);
    expect(valuesOf(reply, "vary")).toEqual(["Cookie"]);
    expect(count).toBe(1);
  });

  test.each(forms)("%s is sent as it was when nothing is to be added", async (_, handler, expected) => {
    const reply = await exchange(await serve(() => answer([]), handler), { path: "/" });
    check(reply, expected);
    expect(valuesOf(reply, "set-cookie")).toEqual([]);
  });

  test("HEAD gets the same head and no body", async () => {
    const reply = await exchange(
      await serve(
        () => answer([cookie]),
        (r) => r.end("hello"),
      ),
      { method: "HEAD", path: "/" },
    );
    expect(headerOf(reply, "set-cookie")).toBe("session=1");
    expect(reply.body).toBe("");
  });

  test("the commit sees headers that were set and headers given to writeHead, in any case", async () => {
    const seen: unknown[] = [];
    const origin = await serve(
      (head) => {
        seen.push(head.header("vary"), head.header("cache-control"), head.header("set-cookie"), head.header("x-none"));
        return answer([]);
      },
      (r) =>
        r
          .setHeader("Vary", "Origin")
          .writeHead(200, { "Cache-Control": "public", "Set-Cookie": ["a=1", "b=2"] })
          .end(),
    );
    await exchange(origin, { path: "/" });
    expect(seen).toEqual(["Origin", "public", ["a=1", "b=2"], undefined]);
  });

  test("the app's own Set-Cookie lines stay, however they were set", async () => {
    const origin = await serve(
      () => answer([cookie]),
      (r) => r.setHeader("Set-Cookie", ["a=1"]).writeHead(200, ["Set-Cookie", "b=2", "Set-Cookie", "c=3"]).end(),
    );
    const reply = await exchange(origin, { path: "/" });
    expect(valuesOf(reply, "set-cookie")).toEqual(["b=2", "c=3", "session=1"]);
  });

  test("informational responses pass before the head", async () => {
    const origin = await serve(
      () => answer([cookie]),
      (r) => {
        r.writeContinue();
        r.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => r.end("hello"));
      },
    );
    const reply = await exchange(origin, { path: "/" });
    expect(reply.informational).toEqual([100, 103]);
    expect(valuesOf(reply, "set-cookie")).toEqual(["session=1"]);
  });

  test("a bad status reaches the handler or the error page", async () => {
    const origin = await serve(
      () => answer([cookie]),
      (r) => {
        try {
          r.writeHead(42).end();
        } catch {
          sayBroken(r);
        }
      },
    );
    expect(await exchange(origin, { path: "/" })).toMatchObject({ status: 503, body: "broken" });
  });

  test("two responses on one connection keep their order and their heads", async () => {
    let visits = 0;
    const origin = await serve(
      () => answer([["set-cookie", `session=${++visits}`]]),
      (r, request) => r.end(request.url),
    );
    const connection = await RawConnection.open(origin);
    connection.send({ path: "/1" });
    connection.send({ path: "/2" });
    const replies = [await connection.reply(), await connection.reply()];
    connection.destroy();
    expect(replies.map((reply) => [reply.body, headerOf(reply, "set-cookie")])).toEqual([
      ["/1", "session=1"],
      ["/2", "session=2"],
    ]);
  });

  test("a commit that fails leaves a clean response to the error page", async () => {
    const lost = (r: ServerResponse) =>
      r.writeHead(302, { Location: "/", "Content-Length": 99, "X-Late": "1" }).end("x".repeat(99));
    for (const commit of [() => Promise.reject(new Error("down")), () => fails()]) {
      const reply = await exchange(await serve(commit, lost), { path: "/" });
      expect(reply).toMatchObject({ status: 503, body: "broken", isWhole: true });
      expect([headerOf(reply, "location"), headerOf(reply, "x-late"), headerOf(reply, "set-cookie")]).toEqual([
        null,
        null,
        null,
      ]);
    }
  });
});

function fails(): never {
  throw new Error("down");
}

function check(reply: RawReply, expected: { status?: number; body?: string; head?: Record<string, string> }): void {
  expect(reply.isWhole).toBe(true);
  expect(reply.status).toBe(expected.status ?? 200);
  if (expected.body !== undefined) expect(reply.body).toBe(expected.body);
  for (const [name, value] of Object.entries(expected.head ?? {})) expect(headerOf(reply, name)).toBe(value);
}

/** A commit that waits until the test lets it go on. */
function gate(): {
  commit: Commit;
  called: Promise<void>;
  open: (lines: HeaderLine[]) => void;
  fail: (error: Error) => void;
} {
  const call = deferred<void>();
  const answer = deferred<HeaderLine[]>();
  const commit = () => {
    call.resolve();
    return answer.promise;
  };
  return { commit, called: call.promise, open: answer.resolve, fail: answer.reject };
}

describe("while the commit waits", () => {
  test("nothing leaves, and afterwards everything does in order", async () => {
    const { commit, called, open } = gate();
    const held = serve(commit, (r) => [r.writeHead(302, { Location: "/next" }), r.write("a"), r.end("b")]);
    const other = await serve(
      () => [],
      (r) => r.end(),
    );
    const connection = await RawConnection.open(await held);
    connection.send({ path: "/" });
    await called;
    await exchange(other, { path: "/" }); // another whole exchange: time enough for a byte to arrive
    expect(connection.pending).toBe("");
    open([cookie]);
    const reply = await connection.reply();
    expect(reply).toMatchObject({ status: 302, body: "ab" });
    connection.destroy();
  });

  test("the response looks like one that is under way", async () => {
    const { commit, open } = gate();
    const seen: unknown[] = [];
    const origin = await serve(commit, (r) => {
      seen.push(r.headersSent, r.write("a"), r.headersSent, r.writableEnded);
      r.statusCode = 500;
      for (const late of [
        () => r.setHeader("a", "b"),
        () => r.appendHeader("a", "b"),
        () => r.removeHeader("a"),
        () => r.writeHead(500),
      ]) {
        expect(late).toThrow(expect.objectContaining({ code: "ERR_HTTP_HEADERS_SENT" }));
      }
      seen.push(r.end("b"), r.writableEnded);
      open([cookie]);
      seen[4] = seen[4] === r;
    });
    const reply = await exchange(origin, { path: "/" });
    expect(seen).toEqual([false, false, true, false, true, true]);
    expect(reply).toMatchObject({ status: 200, body: "ab" });
  });

  test("a held write is followed by drain, finish and its callbacks", async () => {
    const { commit, open } = gate();
    const seen: string[] = [];
    const origin = await serve(commit, (r) => {
      r.on("finish", () => seen.push("finish"));
      r.write("a", () => seen.push("written"));
      r.once("drain", () => {
        seen.push("drain");
        r.end("b", () => seen.push("ended"));
      });
      open([]);
    });
    expect((await exchange(origin, { path: "/" })).body).toBe("ab");
    expect(seen.sort()).toEqual(["drain", "ended", "finish", "written"]);
  });

  test("a body of many megabytes arrives in order, and its source is held up", async () => {
    const { commit, open, called } = gate();
    let made = 0;
    function* chunks() {
      for (; made < 40; made += 1) yield Buffer.alloc(65_536, made % 128);
    }
    const origin = await serve(commit, (r) => Readable.from(chunks(), { highWaterMark: 1 }).pipe(r));
    const reply = exchange(origin, { path: "/" });
    await called;
    await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBeLessThan(5);
    open([cookie]);
    const { body, isWhole } = await reply;
    expect(isWhole).toBe(true);
    const whole = Buffer.concat([...Array(40).keys()].map((n) => Buffer.alloc(65_536, n % 128))).toString();
    expect(body === whole).toBe(true);
  });

  test("a client that goes away harms nobody", async () => {
    const { commit, open, called } = gate();
    const closed = deferred<void>();
    const origin = await serve(commit, (r) => {
      r.on("close", () => closed.resolve());
      r.write("a");
      r.end("b");
    });
    const connection = await RawConnection.open(origin);
    connection.send({ path: "/" });
    await called;
    connection.destroy();
    await closed.promise;
    open([cookie]);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("destroy() on the response harms nobody", async () => {
    const { commit, open } = gate();
    const origin = await serve(commit, (r) => {
      r.write("a");
      r.destroy();
      open([cookie]);
    });
    await expect(exchange(origin, { path: "/" })).rejects.toThrow("closed without a response");
  });
});

describe("after a commit has failed", () => {
  test("a handler that goes on writing reaches nobody, and the error page may take its time", async () => {
    const { commit, fail } = gate();
    const [failed, written] = [deferred<void>(), deferred<void>()];
    const late: unknown[] = [];
    const origin = await serve(
      commit,
      async (r) => {
        r.write("lost", (error) => late.push(error));
        fail(new Error("down"));
        await failed.promise;
        const answer = r.write("never", (error) => {
          late.push(error);
          written.resolve();
        });
        late.push(answer, r.end("seen") === r);
      },
      async (r) => {
        failed.resolve();
        await written.promise;
        sayBroken(r);
      },
    );
    const reply = await exchange(origin, { path: "/" });
    expect(reply).toMatchObject({ status: 503, body: "broken", isWhole: true });
    expect(late).toEqual([expect.any(Error), false, true, expect.any(Error)]);
  });

  test("a handler that writes after the error page was sent makes no error", async () => {
    const { commit, fail } = gate();
    const failed = deferred<void>();
    const done = deferred<void>();
    const origin = await serve(
      commit,
      async (r) => {
        r.write("lost");
        fail(new Error("down"));
        await failed.promise;
        r.write("late");
        r.end("later");
        done.resolve();
      },
      (r) => {
        sayBroken(r);
        failed.resolve();
      },
    );
    expect(await exchange(origin, { path: "/" })).toMatchObject({ status: 503, body: "broken" });
    await done.promise;
  });

  test("an error page that throws ends the connection", async () => {
    const origin = await serve(
      () => Promise.reject(new Error("down")),
      (r) => r.end("lost"),
      fails,
    );
    await expect(exchange(origin, { path: "/" })).rejects.toThrow("closed without a response");
  });
});

test("a method that others wrapped meanwhile stays wrapped", async () => {
  const seen: string[] = [];
  const origin = await serve(
    () => Promise.resolve([cookie]),
    (r) => {
      const { end } = r;
      r.end = ((...args: Parameters<typeof end>) => {
        seen.push("wrapped");
        return end.apply(r, args);
      }) as typeof end;
      r.write("a");
      r.once("drain", () => r.end("b"));
    },
  );
  expect((await exchange(origin, { path: "/" })).body).toBe("ab");
  expect(seen).toEqual(["wrapped"]);
});

test("a response that is held leaves no trace of it", async () => {
  const methods: boolean[] = [];
  const origin = await serve(
    () => Promise.resolve([cookie]),
    (r) => {
      const { prototype } = r.constructor as unknown as { prototype: ServerResponse };
      r.write("a");
      r.on("drain", () => {
        methods.push(r.write === prototype.write, r.end === prototype.end, r.setHeader === prototype.setHeader);
        methods.push(Object.hasOwn(r, "headersSent"), r.headersSent);
        r.end();
      });
    },
  );
  await exchange(origin, { path: "/" });
  expect(methods).toEqual([true, true, true, false, true]);
});

describe("HTTP/2", () => {
  const cases: [string, (r: Http2ServerResponse) => unknown, { status: number; body: string }][] = [
    ["end", (r) => r.end("hello"), { status: 200, body: "hello" }],
    ["write before end", (r) => [r.write("hel"), r.end("lo")], { status: 200, body: "hello" }],
    ["writeHead with an object", (r) => r.writeHead(201, { "x-a": "1" }).end("hello"), { status: 201, body: "hello" }],
    [
      "writeHead with pairs",
      (r) => r.writeHead(201, [["x-a", "1"]] as never).end("hello"),
      { status: 201, body: "hello" },
    ],
    [
      "flushHeaders",
      (r) => [(r as never as ServerResponse).flushHeaders(), r.end("hello")],
      { status: 200, body: "hello" },
    ],
    ["pipe", (r) => Readable.from(["hel", "lo"]).pipe(r as never), { status: 200, body: "hello" }],
    ["a redirect", (r) => r.writeHead(303, { location: "/next" }).end(), { status: 303, body: "" }],
  ];

  describe.each(commits)("%s", (_, answer) => {
    test.each(cases)("%s", async (_, handler, expected) => {
      const reply = await overHttp2(() => answer([cookie, ["vary", "Cookie"]]), handler);
      expect(reply).toMatchObject({ ...expected, cookies: ["session=1"], vary: "Cookie" });
    });

    test("a commit that fails is answered by the error page", async () => {
      const failing = () => (answer([]) instanceof Promise ? Promise.reject(new Error("down")) : fails());
      const reply = await overHttp2(failing, (r) => [r.writeHead(302, { location: "/" }), r.end("lost")]);
      expect(reply).toMatchObject({ status: 503, body: "broken", cookies: undefined, location: undefined });
    });
  });

  test("a stream that is reset harms nobody", async () => {
    const { commit, called, open } = gate();
    const server = createHttp2Server((_, response) => {
      deferHead(response, commit, () => {});
      response.write("a");
      response.end("b");
    });
    server.listen(0);
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = client.request({ ":path": "/" });
    await called;
    stream.close();
    await once(stream, "close");
    open([cookie]);
    await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    server.close();
  });

  async function overHttp2(commit: Commit, handler: (r: Http2ServerResponse) => unknown) {
    const server = createHttp2Server((_, response) => {
      deferHead(response, commit, () => {
        response.statusCode = 503;
        response.end("broken");
      });
      handler(response);
    });
    server.listen(0);
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = client.request({ ":path": "/" });
    const [head] = await once(stream, "response");
    let body = "";
    for await (const chunk of stream) body += chunk;
    client.destroy();
    server.close();
    return {
      status: head[":status"],
      cookies: head["set-cookie"],
      vary: head.vary,
      location: head.location,
      body,
    };
  }
});

test("an aborted upload harms nobody", async () => {
  const { commit, called, open } = gate();
  const origin = await serve(commit, (r, request) => {
    request.on("error", () => {});
    r.end("early");
  });
  const upload = httpRequest(origin, { method: "POST", headers: { "content-length": 100 } });
  upload.on("error", () => {});
  upload.write("x");
  await called;
  upload.destroy();
  open([cookie]);
  await new Promise((resolve) => setImmediate(resolve));
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeApp, type TestApp, Visitor } from "./visitor.ts";

/** Every route that reads a form. */
const routes = [
  "/sign-up",
  "/sign-in",
  "/session/set",
  "/session/pop",
  "/session/flash",
  "/devices/sign-out",
  "/confirm",
  "/settings/password",
];

const multipart = "multipart/form-data; boundary=edge";
const urlencoded = "application/x-www-form-urlencoded";

function part(name: string, value: string, more = ""): string {
  return `--edge\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
}

/** What each of them refuses: the name, the content type (null: none), the body and the status. */
const refusals: [name: string, type: string | null, body: string | Uint8Array<ArrayBuffer>, status: number][] = [
  ["a multipart body that is none", multipart, "hello", 400],
  ["a multipart body cut off in a value", multipart, part("key", "colour").slice(0, -4), 400],
  ["a multipart body cut off in a header", multipart, '--edge\r\ncontent-disposition: form-data; name="ke', 400],
  ["a multipart body without its end", multipart, part("key", "colour"), 400],
  ["a multipart body with another boundary", "multipart/form-data; boundary=other", `${part("key", "a")}--edge--`, 400],
  ["a multipart body without a boundary", "multipart/form-data", `${part("key", "a")}--edge--\r\n`, 400],
  ["an empty multipart body", multipart, "", 400],
  ["a multipart part without a name", multipart, "--edge\r\ncontent-type: text/plain\r\n\r\na\r\n--edge--\r\n", 400],
  ["a file", multipart, `${part("key", "a", '; filename="a.txt"')}--edge--\r\n`, 400],
  ["a field twice, in parts", multipart, `${part("key", "a")}${part("key", "b")}--edge--\r\n`, 400],
  ["a field twice", urlencoded, "key=a&key=b", 400],
  ["bytes that are no UTF-8", urlencoded, new Uint8Array([0x6b, 0x65, 0x79, 0x3d, 0xff, 0xfe]), 400],
  ["escaped bytes that are no UTF-8", urlencoded, "key=%ff%fe", 400],
  ["thousands of fields", urlencoded, Array.from({ length: 5_000 }, (_, n) => `f${n}=`).join("&"), 413],
  ["a field thousands of times", urlencoded, "key=a&".repeat(5_000), 400],
  ["more than 64 kB", urlencoded, `key=${"x".repeat(70_000)}`, 413],
  ["more than 64 kB in a part", multipart, `${part("key", "x".repeat(70_000))}--edge--\r\n`, 413],
  ["JSON", "application/json", '{"key":"colour"}', 415],
  ["broken JSON", "application/json", '{"key":', 415],
  ["plain text", "text/plain", "key=colour", 415],
  ["no content type", null, "key=colour", 415],
  ["a content type that is none", "form", "key=colour", 415],
  ["another charset", `${urlencoded}; charset=utf-16`, "key=colour", 415],
  ["a charset that nobody knows", `${urlencoded}; charset=klingon`, "key=colour", 415],
];

describe.each(["cookie", "sqlite"])("with sessions in %s,", (sessions) => {
  let app: TestApp;
  let ada: Visitor;
  beforeEach(async () => {
    app = await makeApp(sessions);
    ada = new Visitor(app);
    await ada.signUp("ada");
    await ada.get("/");
    vi.spyOn(console, "error");
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each(refusals)(
    "%s is refused on every route, with a page and no word in the log",
    async (_, type, body, status) => {
      for (const route of routes) {
        const cookie = ada.cookie;
        const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
        const answer = await ada.send(route, bytes, type === null ? {} : { "content-type": type });
        expect([route, answer.status]).toEqual([route, status]);
        expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
        expect(answer.text).toMatch(/<h1>.+<\/h1>.*[Nn]othing was changed/s);
        expect(ada.cookie).toBe(cookie);
      }
      expect(console.error).not.toHaveBeenCalled();
      expect((await ada.get("/session")).text).toContain("Nothing yet");
    },
  );

  test("a body that breaks off on its way is refused", async () => {
    const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("key=col"));
        controller.error(new Error("aborted"));
      },
    });
    expect((await ada.send("/session/set", broken, { "content-type": urlencoded })).status).toBe(400);
    expect(console.error).not.toHaveBeenCalled();
  });

  test("a stream without a length is read no further than 64 kB", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(1_024).fill(0x61));
      },
    });
    expect((await ada.send("/session/set", endless, { "content-type": urlencoded })).status).toBe(413);
    expect(chunks).toBeLessThan(100);
  });

  test.each([
    ["urlencoded", urlencoded, "key=colour&value=amber"],
    ["urlencoded in so many words", "Application/X-WWW-Form-Urlencoded ; Charset=UTF-8", "key=colour&value=amber"],
    ["multipart", multipart, `${part("key", "colour")}${part("value", "amber")}--edge--\r\n`],
    ["with fields that nobody asked for", urlencoded, "key=colour&value=amber&utm=1&__proto__=2"],
  ])("a form that is whole is taken: %s", async (_, type, body) => {
    expect((await ada.send("/session/set", body, { "content-type": type })).status).toBe(303);
    expect((await ada.get("/session")).text).toContain("&quot;amber&quot;");
  });
});

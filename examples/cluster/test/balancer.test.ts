import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../../../test/support/services/server.ts";
import { createBalancer } from "../src/balancer.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Answers with its name, and with what it was sent. */
function instance(name: string): Promise<number> {
  const echo: RequestListener = async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.setHeader("set-cookie", ["a=1; Path=/", "b=2; Path=/"]);
    response.end(JSON.stringify({ name, method: request.method, body, headers: request.headers }));
  };
  return listen(createServer(echo));
}

/** Takes a request, and is lost before it answers. */
function lostInstance(): Promise<number> {
  return listen(
    createServer((request) =>
      request
        .once("data", () => request.socket.destroy())
        .once("end", () => request.socket.destroy())
        .resume(),
    ),
  );
}

async function balance(...ports: number[]): Promise<string> {
  return `http://127.0.0.1:${await listen(createBalancer(() => ports))}`;
}

test("each instance has its turn", async () => {
  const url = await balance(await instance("a"), await instance("b"));
  const names: string[] = [];
  for (let i = 0; i < 4; i++) names.push((await (await fetch(url)).json()).name);
  expect(names).toEqual(["a", "b", "a", "b"]);
});

test("an instance that refuses is passed over, and the next one gets the whole body", async () => {
  const url = await balance(await freePort(), await freePort(), await instance("c"));
  for (let i = 0; i < 3; i++) {
    const { name, method, body } = await (await fetch(url, { method: "POST", body: "x".repeat(300_000) })).json();
    expect([name, method, body.length]).toEqual(["c", "POST", 300_000]);
  }
});

test("cookies go both ways, and the host that the browser asked for", async () => {
  const url = await balance(await instance("a"));
  const response = await fetch(url, { headers: { cookie: "cluster=1; other=2" } });
  expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  const { headers } = await response.json();
  expect(headers.cookie).toBe("cluster=1; other=2");
  expect(headers.host).toBe(new URL(url).host);
});

test("what a client says of its own address is replaced", async () => {
  const url = await balance(await instance("a"));
  const said = { "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https", "x-forwarded-host": "evil.example" };
  const { headers } = await (await fetch(url, { headers: said })).json();
  expect(headers["x-forwarded-for"]).toBe("127.0.0.1");
  expect(headers["x-forwarded-proto"]).toBe("http");
  expect(headers["x-forwarded-host"]).toBe(new URL(url).host);
});

test("an instance that is lost in the middle: what only reads is asked of the next one, what changes is not done twice", async () => {
  const url = await balance(await lostInstance(), await instance("b"));
  expect((await (await fetch(url)).json()).name).toBe("b");
  await fetch(url);
  expect((await fetch(url, { method: "POST", body: "count" })).status).toBe(502);
});

test("without an instance, the answer is 503 with Retry-After", async () => {
  const response = await fetch(await balance(await freePort()));
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("2");
});

import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { data, greet, hello } from "../http/servers/common.ts";
import { open, openBytes, seal, sealBytes } from "../tokens/limit.ts";
import { acts, type Contender, send } from "./contender.ts";

/** No session at all; a cookie comes with each request all the same, as long as the others'. */
export function bare(cookieLength: number): Contender {
  return {
    name: "no session",
    acts,
    serve: () =>
      createServer((request, response) => {
        if (request.url === "/fill") response.setHeader("Set-Cookie", `session=${"x".repeat(cookieLength)}`);
        send(response, hello);
      }),
  };
}

/** What a sealed session cannot do without, and nothing else: no limits, no headers for caches, no check of origins. */
export const sealedByHand: Contender = {
  name: "by hand: cookie, cipher, JSON",
  acts: ["read", "write"],
  serve: () =>
    createServer((request, response) => {
      const session = request.url === "/fill" ? { ...data } : open(cookieValue(request));
      if (request.url === "/write") session.visits = Number(session.visits) + 1;
      if (request.url !== "/read") response.setHeader("Set-Cookie", `session=${seal(session)}; ${attributes}`);
      send(response, greet(session.name));
    }),
};

/** The same of a session whose id is in the cookie, under a MAC, and whose sealed row is in a `Map`. */
export const storedByHand: Contender = {
  name: "by hand: cookie, MAC, map, cipher, JSON",
  acts: ["read", "write"],
  serve: () => {
    const rows = new Map<string, Buffer>();
    return createServer((request, response) => {
      const isNew = request.url === "/fill";
      const id = isNew ? randomBytes(16).toString("base64url") : verifiedId(cookieValue(request));
      const session = isNew ? { ...data } : openBytes(rows.get(id) ?? Buffer.alloc(0));
      if (request.url === "/write") session.visits = Number(session.visits) + 1;
      if (request.url !== "/read") rows.set(id, sealBytes(session));
      if (isNew) response.setHeader("Set-Cookie", `session=${id}${macOf(id).toString("base64url")}; ${attributes}`);
      send(response, greet(session.name));
    });
  },
};

const attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";
const key = createSecretKey(randomBytes(32));
const ID_LENGTH = 22;

function cookieValue({ headers }: IncomingMessage): string {
  for (const pair of (headers.cookie ?? "").split("; ")) if (pair.startsWith("session=")) return pair.slice(8);
  return "";
}

function verifiedId(value: string): string {
  const id = value.slice(0, ID_LENGTH);
  const mac = Buffer.from(value.slice(ID_LENGTH), "base64url");
  if (!timingSafeEqual(mac, macOf(id))) throw new Error("forged");
  return id;
}

function macOf(id: string): Buffer {
  return createHmac("sha256", key).update(id).digest().subarray(0, 16);
}

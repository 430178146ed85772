import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomFillSync } from "node:crypto";
import { type Contender, fresh, nextVisit } from "./contender.ts";

/** What JSON and AES-256-GCM cost by themselves: no library that encrypts can be faster by these calls. */
export function limits(data: Record<string, unknown>): Contender[] {
  const json = JSON.stringify(data);
  const token = seal(data);
  return [
    {
      name: "AES-256-GCM, base64url and JSON by themselves",
      open: () => open(fresh(token)).name,
      change: () => seal({ ...open(fresh(token)), visits: nextVisit() }),
      length: token.length,
    },
    {
      name: "JSON by itself",
      open: () => JSON.parse(fresh(json)).name,
      change: () => JSON.stringify({ ...JSON.parse(fresh(json)), visits: nextVisit() }),
      length: 0,
    },
  ];
}

const key = createSecretKey(randomBytes(32));
const associated = Buffer.alloc(24);

export function seal(data: Record<string, unknown>): string {
  return sealBytes(data).toString("base64url");
}

export function sealBytes(data: Record<string, unknown>): Buffer {
  const nonce = randomFillSync(Buffer.allocUnsafe(12));
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  cipher.setAAD(associated);
  const text = cipher.update(JSON.stringify(data), "utf8");
  cipher.final();
  return Buffer.concat([nonce, text, cipher.getAuthTag()]);
}

export function open(token: string): Record<string, unknown> {
  return openBytes(Buffer.from(token, "base64url"));
}

export function openBytes(bytes: Buffer): Record<string, unknown> {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(associated);
  decipher.setAuthTag(bytes.subarray(bytes.length - 16));
  const text = decipher.update(bytes.subarray(12, bytes.length - 16));
  decipher.final();
  return JSON.parse(text.toString("utf8"));
}

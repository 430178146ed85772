import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomFillSync } from "node:crypto";
import { type Contender, fresh } from "./contender.ts";

/** What JSON and AES-256-GCM cost by themselves: no library that encrypts can be faster by these calls. */
export function limits(data: Record<string, unknown>): Contender[] {
  const key = createSecretKey(randomBytes(32));
  const associated = Buffer.alloc(24);
  const json = JSON.stringify(data);
  const seal = (): string => {
    const nonce = randomFillSync(Buffer.allocUnsafe(12));
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
    cipher.setAAD(associated);
    const text = cipher.update(JSON.stringify(data), "utf8");
    cipher.final();
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
  };
  const token = seal();
  return [
    {
      name: "AES-256-GCM, base64url and JSON by themselves",
      open: () => {
        const bytes = Buffer.from(fresh(token), "base64url");
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
        decipher.setAAD(associated);
        decipher.setAuthTag(bytes.subarray(bytes.length - 16));
        const text = decipher.update(bytes.subarray(12, bytes.length - 16));
        decipher.final();
        return JSON.parse(text.toString("utf8")).name;
      },
      seal,
      length: token.length,
    },
    {
      name: "JSON by itself",
      open: () => JSON.parse(fresh(json)).name,
      seal: () => JSON.stringify(data),
      length: 0,
    },
  ];
}

import { MIMEType } from "node:util";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";

const bodyBytesMax = 64 * 1_024;
/** The largest form here has four. */
const fieldsMax = 50;

/** A field's text; "" for one that is missing. */
export type Form = (name: string) => string;

/**
 * Reads what a page's form sends. Whatever no page here sends is an `HTTPException`: 415 for another content type or
 * charset, 413 for too many bytes or fields, 400 for a body that is broken off or misshapen, for a file, for bytes that
 * are no UTF-8, and for a field that comes twice, since the next reader may take the other one.
 */
export async function readForm(c: Context): Promise<Form> {
  const type = c.req.header("content-type") ?? "";
  if (!isFormType(type)) throw new HTTPException(415);
  const body = await readBody(c);
  const data = await new Response(body, { headers: { "content-type": type } }).formData().catch(badRequest);
  const fields = new Map<string, string>();
  let count = 0;
  for (const [name, value] of data) {
    count += 1;
    if (count > fieldsMax) throw new HTTPException(413);
    // What does not decode comes as U+FFFD.
    if (typeof value !== "string" || fields.has(name) || `${name}${value}`.includes("\ufffd")) badRequest();
    fields.set(name, value);
  }
  return (name) => fields.get(name) ?? "";
}

function isFormType(text: string): boolean {
  try {
    const { essence, params } = new MIMEType(text);
    const isForm = essence === "application/x-www-form-urlencoded" || essence === "multipart/form-data";
    return isForm && /^utf-?8$/i.test(params.get("charset") ?? "utf-8");
  } catch {
    return false;
  }
}

/** Reads no further than the limit, whatever length was announced. */
async function readBody(c: Context): Promise<Blob> {
  if (Number(c.req.header("content-length")) > bodyBytesMax) throw new HTTPException(413);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = c.req.raw.body?.getReader();
  for (let size = 0; ; ) {
    const { value } = (await reader?.read().catch(badRequest)) ?? {};
    if (value === undefined) return new Blob(chunks);
    size += value.length;
    if (size > bodyBytesMax) {
      await reader?.cancel();
      throw new HTTPException(413);
    }
    chunks.push(value);
  }
}

/** A body fails by its sender's doing: it was cut off, or is not what its content type says. */
function badRequest(): never {
  throw new HTTPException(400);
}

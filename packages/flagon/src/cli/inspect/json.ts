import { Buffer } from "node:buffer";
import { publicId } from "../../formats/public-id.ts";
import { encodeValue } from "../../formats/values.ts";
import type { Finding } from "./finding.ts";

/** A finding for programs: times as ISO 8601, sizes in bytes, values only where they were asked for. */
export function findingAsJson({ session, ...finding }: Finding, withValues: boolean): Record<string, unknown> {
  return { ...finding, session: session === null ? null : sessionAsJson(session, withValues) };
}

function sessionAsJson(session: NonNullable<Finding["session"]>, withValues: boolean): Record<string, unknown> {
  const { record, secret, idleEndsAt, absoluteEndsAt, row } = session;
  return {
    id: record.id === "" ? null : publicId(record),
    generation: record.generation,
    rotatedAt: isoOf(record.rotatedAt),
    userId: record.userId,
    device: row?.device ?? null,
    permanent: record.permanent,
    createdAt: isoOf(record.createdAt),
    authenticatedAt: isoOf(record.authenticatedAt),
    renewedAt: isoOf(record.renewedAt),
    idleEndsAt: isoOf(idleEndsAt),
    absoluteEndsAt: isoOf(absoluteEndsAt),
    secret,
    version: row?.version ?? null,
    keys: Object.fromEntries(sizesOf(record.data).map(({ key, bytes }) => [key, bytes])),
    flashes: record.flashes,
    ...(withValues && { data: JSON.parse(textOf(record.data)) }),
  };
}

function isoOf(moment: number | null): string | null {
  if (moment === null) return null;
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** How much each key takes in the cookie's JSON, its name included; the largest first. */
export function sizesOf(data: Record<string, unknown>): { key: string; bytes: number; value: unknown }[] {
  return Object.entries(data)
    .map(([key, value]) => ({
      key,
      value,
      bytes: Buffer.byteLength(`${JSON.stringify(key)}:${textOf(value)}`, "utf8"),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

/** A value as the cookie's JSON spells it: dates and their like with Flagon's tags. */
export function textOf(value: unknown): string {
  return JSON.stringify(encodeValue("", value));
}

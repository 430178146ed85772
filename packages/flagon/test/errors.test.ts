import { SessionError, type SessionErrorCode } from "flagon";
import { describe, expect, test } from "vitest";

const codes: [code: SessionErrorCode, status: number][] = [
  ["cross_site_request", 403],
  ["cookie_too_large", 500],
  ["session_conflict", 503],
  ["session_too_large", 500],
  ["store_unavailable", 503],
  ["store_timeout", 503],
  ["store_corrupt", 503],
];

describe("SessionError", () => {
  test.each(codes)("%s has the status %d under each name that frameworks read", async (code, status) => {
    const error = new SessionError(code, "what happened");
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(["SessionError", code, "what happened"]);
    expect([error.status, error.statusCode, error.getResponse().status]).toEqual([status, status, status]);
    expect(error.expose).toBe(status === 403);
    expect(error.headers).toEqual(status === 503 ? { "retry-after": "5" } : {});
  });

  test.each(codes)("%s answers with its message only when that is for the client", async (code, status) => {
    const response = new SessionError(code, "the details").getResponse();
    const text = await response.text();
    expect(text).toBe(status === 403 ? "the details" : "the session is not available");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; ?charset=utf-8$/i);
    expect(response.headers.get("retry-after")).toBe(status === 503 ? "5" : null);
  });

  test("keeps what caused it", () => {
    const cause = new Error("ECONNREFUSED");
    expect(new SessionError("store_unavailable", "the session store failed", { cause }).cause).toBe(cause);
  });
});

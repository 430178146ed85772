import {
  createSessions,
  type HeaderLine,
  type Session,
  SessionError,
  type SessionOptions,
  type Sessions,
} from "flagon";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { type Data, type Headers, requestOf, SECRET } from "../browser.ts";
import { refusal } from "./refusal.ts";

// What is told late is of the test that it belongs to.
afterEach(() => vi.dynamicImportSettled());

describe.each<[backend: string, options: () => Partial<SessionOptions<Data>>]>([
  ["the cookie", () => ({})],
  ["the cookie, with revocations", () => ({ revocations: memoryStore() })],
  ["a store", () => ({ store: memoryStore() })],
])("an exempt request of another site, with sessions in %s", (_, options) => {
  const post: Headers = { origin: "https://id.example", "sec-fetch-site": "cross-site" };
  const setUp = (more: Partial<SessionOptions<Data>> = {}): Sessions<Data> =>
    createSessions<Data>({ secret: SECRET, csrf: { exempt: () => true }, ...options(), ...more });

  /** The header lines that `act` comes to. */
  async function lines(
    sessions: Sessions<Data>,
    headers: Headers,
    act: (session: Session<Data>) => unknown,
  ): Promise<readonly HeaderLine[]> {
    const session = await sessions.open(requestOf(headers, "POST"));
    await act(session);
    return await sessions.commit(session);
  }

  test.each<[what: string, act: (session: Session<Data>) => unknown]>([
    ["signs in", (session) => session.login("mallory")],
    ["sets", (session) => session.set("a", 1)],
    ["flashes", (session) => session.flash("hello")],
    ["asks for a CSRF token", (session) => session.csrfToken()],
    ["is made permanent and signs in", (session) => session.login("mallory", { permanent: true })],
    ["saves", (session) => session.set("a", 1).save()],
    [
      "saves a sign-in whose failure nobody hears",
      (session) => {
        session.login("mallory");
        return session.save().catch(() => {});
      },
    ],
  ])("begins no session that would replace the visitor's: one that %s is refused", async (_, act) => {
    for (const site of ["cross-site", undefined]) {
      await expect(lines(setUp(), { ...post, "sec-fetch-site": site }, act)).rejects.toMatchObject({
        name: "SessionError",
        code: "cross_site_request",
        status: 403,
        message: expect.stringMatching(/Origin is https:\/\/id\.example.*docs\/guide\.md/),
      });
    }
  });

  test("may read, and sets no cookie", async () => {
    expect(await lines(setUp(), post, () => {})).toEqual([]);
    const read = await lines(setUp(), post, (session) => [session.get("a"), session.flashes(), session.userId]);
    expect(read.map(([name]) => name)).toEqual(["Vary", "Cache-Control"]);
    const ended = await lines(setUp(), post, (session) => session.logout());
    expect(ended.map(([name]) => name)).not.toContain("Set-Cookie");
  });

  test("goes on with the session whose cookie came along", async () => {
    const sessions = setUp();
    const session = await sessions.open(requestOf({}, "POST"));
    session.set("a", 1);
    const [[, line = ""] = []] = await sessions.commit(session);
    const cookie = line.split(";")[0];
    const signedIn = await lines(sessions, { ...post, cookie }, (session) => session.login("ann"));
    expect(signedIn[0]?.[0]).toBe("Set-Cookie");
    const signedOut = await lines(sessions, { ...post, cookie }, (session) => session.logout());
    expect(signedOut[0]?.[0]).not.toBeUndefined();
  });

  test("begins one where nothing would be replaced", async () => {
    const login = (session: Session<Data>): void => session.login("ann");
    // Lax cookies are sent within a site; a cookie for all sites would have been sent; a webhook has no browser.
    for (const [headers, more] of [
      [{ ...post, "sec-fetch-site": "same-site" }, {}],
      [{ ...post, "sec-fetch-site": "same-origin" }, {}],
      [post, { cookie: { sameSite: "none" } }],
      [{}, {}],
      [post, { csrf: { trustedOrigins: ["https://id.example"] } }],
      [post, { csrf: false }],
    ] as const) {
      expect((await lines(setUp(more), headers, login))[0]?.[0]).toBe("Set-Cookie");
    }
    await expect(lines(setUp({ cookie: { sameSite: "strict" } }), post, login)).rejects.toThrow(SessionError);
  });

  test("is told whoever runs the app, also of an origin that was refused before", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    try {
      refusal(post);
      await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce());
      warn.mockClear();
      for (let n = 0; n < 2; n += 1) await lines(setUp(), post, (session) => session.login("a")).catch(() => {});
      expect(warn.mock.calls).toEqual([
        [
          expect.stringMatching(/^no session begins in a request of another site/),
          expect.objectContaining({ code: "FLAGON_CROSS_SITE" }),
        ],
      ]);
    } finally {
      warn.mockRestore();
    }
  });
});

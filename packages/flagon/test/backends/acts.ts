import type { Session, Sessions } from "flagon";
import type { Data } from "../browser.ts";

export const USER = "u";
export const OTHER_USER = "v";

/** What a handler has at hand. */
export interface Handling {
  readonly session: Session<Data>;
  readonly sessions: Sessions<Data>;
  /** Of the request, and of nothing else. */
  readonly name: string;
  /** The id of the session that all began with. */
  readonly firstId: string;
  /** The user's sessions are about to be ended: waits for its turn. */
  readonly beforeRevoking: () => Promise<void>;
}

/** One request: what its handler does with the session that came with it. */
export interface Act {
  readonly name: string;
  readonly handle: (handling: Handling) => unknown;
  /** Who is signed in by it. */
  readonly signsIn?: string;
  /** What it ends: the session of its own cookie, the one that all began with, or each of USER's. */
  readonly ends?: "own" | "first" | "user";
  /** Which session of the user is spared: the first one, or its own. */
  readonly spares?: "first" | "own";
  /** Whether its answer means that what it changed is stored. */
  readonly saves?: true;
  /** Whether it makes a new generation, if anybody is there. */
  readonly rotates?: true;
}

export const acts = {
  read: { name: "read", handle: ({ session }) => session.get("any") },
  set: { name: "set", handle: ({ session, name }) => session.set(name, 1) },
  save: {
    name: "set and save",
    saves: true,
    handle: async ({ session, name }) => {
      session.set(name, 1);
      await session.save();
    },
  },
  rotate: { name: "rotate", rotates: true, handle: ({ session }) => session.rotate() },
  permanent: {
    name: "permanent",
    rotates: true,
    handle: ({ session }) => {
      session.permanent = true;
    },
  },
  login: { name: "login", signsIn: USER, handle: ({ session }) => session.login(USER) },
  loginOther: { name: "login of another", signsIn: OTHER_USER, handle: ({ session }) => session.login(OTHER_USER) },
  logout: { name: "logout", ends: "own", handle: ({ session }) => session.logout() },
  destroy: { name: "destroy", ends: "own", handle: ({ session }) => session.destroy() },
  farewell: {
    name: "logout and flash",
    ends: "own",
    handle: ({ session }) => {
      session.logout();
      session.flash("Bye");
    },
  },
  switchUser: {
    name: "logout and login",
    ends: "own",
    signsIn: USER,
    handle: ({ session }) => {
      session.logout();
      session.login(USER);
    },
  },
  revoke: { name: "revoke", ends: "first", handle: ({ sessions, firstId }) => sessions.revoke(firstId) },
  revokeUser: {
    name: "revokeUser",
    ends: "user",
    handle: async ({ sessions, beforeRevoking }) => {
      await beforeRevoking();
      await sessions.revokeUser(USER);
    },
  },
  revokeOthers: {
    name: "revokeUser but this one",
    ends: "user",
    spares: "first",
    handle: async ({ sessions, firstId, beforeRevoking }) => {
      await beforeRevoking();
      await sessions.revokeUser(USER, { except: firstId });
    },
  },
  changePassword: {
    name: "rotate and revokeUser but this one",
    ends: "user",
    spares: "own",
    rotates: true,
    handle: async ({ session, sessions, beforeRevoking }) => {
      if (session.userId === null) return;
      session.rotate();
      await beforeRevoking();
      await sessions.revokeUser(USER, { except: session.id });
    },
  },
  resetPassword: {
    name: "revokeUser and login",
    ends: "user",
    spares: "own",
    signsIn: USER,
    handle: async ({ session, sessions, beforeRevoking }) => {
      await beforeRevoking();
      await sessions.revokeUser(USER, { except: session.id });
      session.login(USER);
    },
  },
} as const satisfies Record<string, Act>;

/** What a session can do by itself, whatever the backend. */
export const ownActs: readonly Act[] = [
  acts.read,
  acts.set,
  acts.save,
  acts.rotate,
  acts.permanent,
  acts.login,
  acts.loginOther,
  acts.logout,
  acts.destroy,
  acts.farewell,
  acts.switchUser,
];

/** What sessions on the server's side can do as well. */
export const allActs: readonly Act[] = Object.values(acts);

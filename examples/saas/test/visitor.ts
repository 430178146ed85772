import { DatabaseSync } from "node:sqlite";
import type { Hono } from "hono";
import { countAttempts, countSignUps } from "../src/accounts/attempts.ts";
import { knownDevices } from "../src/accounts/known-devices.ts";
import { openUsers } from "../src/accounts/users.ts";
import { createApp } from "../src/app.tsx";
import type { Config } from "../src/config.ts";
import type { AppEnv } from "../src/context.ts";
import { openSessionBackend } from "../src/session-backend.ts";

export const password = "correct horse battery";

export const secret = "N0t-a-secret-but-l0ng-and-mixed-en0ugh-f0r-tests";

export const config: Config = {
  production: false,
  secret: [secret],
  secretNote: null,
  sessions: "cookie",
  dataFolder: "",
  host: "127.0.0.1",
  port: 0,
  lifetime: { idle: 1_800, absolute: 43_200 },
  permanentLifetime: { idle: 31 * 86_400, absolute: 180 * 86_400 },
  freshFor: 600,
};

export interface TestApp {
  readonly app: Hono<AppEnv>;
  removeAccounts(): void;
  /** Moves the app's clock. */
  pass(seconds: number): void;
}

export async function makeApp(sessions = "cookie"): Promise<TestApp> {
  let time = Date.UTC(2026, 0, 5, 12);
  const now = () => time;
  const database = new DatabaseSync(":memory:");
  const users = openUsers(database);
  const backend = await openSessionBackend({ ...config, sessions }, database, now);
  const known = knownDevices(config.secret, now);
  const services = {
    config,
    backend,
    users,
    attempts: countAttempts(),
    knownDevices: known,
    signUps: countSignUps(),
    now,
  };
  return {
    app: createApp(services),
    removeAccounts: () => database.exec("DELETE FROM users"),
    pass(seconds) {
      time += seconds * 1_000;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly headers: Headers;
  readonly text: string;
}

const sessionCookie = "session";
const deviceCookie = "__Host-device";

/** A browser as far as cookies go, on the app's own site unless headers say otherwise. */
export class Visitor {
  readonly #app: TestApp;
  readonly #cookies = new Map<string, string>();
  address: string;
  userAgent: string | null = null;

  constructor(app: TestApp, address = "192.0.2.1") {
    this.#app = app;
    this.address = address;
  }

  /** The session's cookie; null when there is none. */
  get cookie(): string | null {
    return this.#pair(sessionCookie);
  }

  set cookie(pair: string | null) {
    this.#set(sessionCookie, pair);
  }

  /** The cookie by which the app knows this browser again. */
  get deviceCookie(): string | null {
    return this.#pair(deviceCookie);
  }

  set deviceCookie(pair: string | null) {
    this.#set(deviceCookie, pair);
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#ask(path, { headers });
  }

  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, new URLSearchParams(fields), headers);
  }

  /** A POST of anything, in the way of this site's own pages. */
  send(path: string, body: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}): Promise<Answer> {
    const init = { method: "POST", body, duplex: "half", headers: { "sec-fetch-site": "same-origin", ...headers } };
    return this.#ask(path, init);
  }

  async signUp(username: string): Promise<void> {
    const { status, text } = await this.post("/sign-up", { username, password });
    if (status !== 303) throw new Error(`no account: ${status} ${text}`);
  }

  async #ask(path: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers);
    if (this.#cookies.size > 0)
      headers.set("cookie", [...this.#cookies.keys()].map((name) => this.#pair(name)).join("; "));
    if (this.userAgent !== null) headers.set("user-agent", this.userAgent);
    const environment = { incoming: { socket: { remoteAddress: this.address } } };
    const response = await this.#app.app.request(`http://localhost${path}`, { ...init, headers }, environment);
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const [name = ""] = pair.split("=");
      this.#set(name, /max-age=0/i.test(line) ? null : pair);
    }
    const location = response.headers.get("location");
    return { status: response.status, location, headers: response.headers, text: await response.text() };
  }

  #pair(name: string): string | null {
    const value = this.#cookies.get(name);
    return value === undefined ? null : `${name}=${value}`;
  }

  #set(name: string, pair: string | null): void {
    if (pair === null) this.#cookies.delete(name);
    else this.#cookies.set(name, pair.slice(name.length + 1));
  }
}

/** How an answer sets the session's cookie. */
export function sessionCookieLine({ headers }: { headers: Headers }): string | undefined {
  return headers.getSetCookie().find((line) => line.startsWith(`${sessionCookie}=`));
}

/** The messages that a page shows, flashes and its own, as text. */
export function messages(html: string): string[] {
  const found = html.matchAll(/<div class="(?:flash|notice) [^"]*"[^>]*>.*?<p>(.*?)<\/p>/gs);
  return [...found].map(([, text = ""]) => text.replace(/<span class="visually-hidden">.*?<\/span>/g, ""));
}

/** The list of devices, each as the words that it is shown with. */
export function devices(html: string): string[] {
  const [, list = ""] = /<ul class="devices">(.*?)<\/ul>/s.exec(html) ?? [];
  const items = list.split("<li>").slice(1);
  return items.map((item) =>
    (/<div.*?<\/div>/s.exec(item)?.[0] ?? "")
      .replace(/<[^>]+>/g, " ")
      .trim()
      .replace(/\s+/g, " "),
  );
}

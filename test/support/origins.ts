import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { certificate } from "../../packages/flagon/test/adapters/certificate.ts";
import { programsOf } from "./programs.ts";
import { openProfile, profileFolder, startChromium } from "./services/index.ts";

export const secret = "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY";
const root = join(import.meta.dirname, "../..");

/** What the programs import and is the reader's own, and the types of a package that is here without them. */
const yours: readonly (readonly [file: string, code: string])[] = [
  [
    "provider.ts",
    `export const signInPage = (state: string): string => \`\${globalThis.provider}/?state=\${state}\`;
export async function readAnswer(answer: Record<string, string>): Promise<{ id: string }> {
  if (answer.code === undefined) throw new Error("no answer of the provider's");
  return { id: answer.code };
}
`,
  ],
  [
    "types.d.ts",
    `declare module "cors" {
  import type { RequestHandler } from "express";
  export default function cors(options: { origin: string; credentials: boolean }): RequestHandler;
}
declare var provider: string;
`,
  ],
];

/** What Hono's apps and Flagon's fetch handlers have in common. */
export interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

/** The programs of the guide's chapter, servers on many origins, and a browser that goes from one to the other. */
export class Origins {
  readonly folder: string = mkdtempSync(join(tmpdir(), "flagon-origins-"));
  readonly programs: [file: string, code: string][] = programsOf(
    "docs/guide.md",
    "A front end on another origin, and apps",
  );
  readonly #servers: Server[] = [];
  readonly #contexts: BrowserContext[] = [];
  #browser: Browser | undefined;

  /** For the tests around. */
  constructor() {
    beforeAll(async () => {
      writeFileSync(join(this.folder, "package.json"), '{"type":"module"}');
      symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
      for (const [file, code] of [...this.programs, ...yours]) writeFileSync(join(this.folder, file), code);
      vi.stubEnv("SESSION_SECRET", secret);
      this.#browser = await startChromium();
    });
    afterEach(async () => {
      for (const context of this.#contexts.splice(0)) await context.close();
      for (const server of this.#servers.splice(0)) {
        server.closeAllConnections();
        server.close();
      }
      vi.restoreAllMocks();
      vi.resetModules();
    });
    afterAll(async () => {
      await this.#browser?.close();
      vi.unstubAllEnvs();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** The port of a server, over TLS unless it is told not to. Any name below localhost leads to it. */
  async serve(app: RequestListener, tls = true): Promise<number> {
    const server = (tls ? createHttpsServer(certificate, app) : createHttpServer(app)) as Server;
    this.#servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** The port of a server of pages, which has no session. */
  pages(page: (url: URL) => string, tls = true, headers: Record<string, string> = {}): Promise<number> {
    return this.serve((request, response) => {
      const html = page(new URL(request.url ?? "/", "https://localhost"));
      response.writeHead(200, { "content-type": "text/html", ...headers }).end(html);
    }, tls);
  }

  /** A page of a browser without cookies, which keeps none of other sites, unless they are partitioned. */
  async newPage(): Promise<Page> {
    if (this.#browser === undefined) throw new Error("no browser");
    return await this.#pageOf(await this.#browser.newContext({ ignoreHTTPSErrors: true }));
  }

  /** As `newPage`, of a person who keeps other sites' cookies; Debian's Chromium does so only when it is told to. */
  async newPageWithAllCookies(extension?: string): Promise<Page> {
    const folder = profileFolder();
    mkdirSync(join(folder, "Default"), { recursive: true });
    writeFileSync(join(folder, "Default/Preferences"), '{"profile":{"cookie_controls_mode":0}}');
    const options = extension === undefined ? {} : { extension };
    return await this.#pageOf(await openProfile(folder, { ignoreHTTPSErrors: true, ...options }));
  }

  /** An extension with one page, `page.html`: its folder, and its origin, which Chromium makes of that. */
  extension(): { readonly folder: string; readonly origin: string } {
    const folder = profileFolder();
    writeFileSync(join(folder, "manifest.json"), '{"manifest_version":3,"name":"Shop","version":"1.0"}');
    writeFileSync(join(folder, "page.html"), "<p>Shop</p>");
    const hash = createHash("sha256").update(folder).digest("hex").slice(0, 32);
    const id = hash.replace(/./g, (digit) => String.fromCharCode("a".charCodeAt(0) + Number.parseInt(digit, 16)));
    return { folder, origin: `chrome-extension://${id}` };
  }

  async #pageOf(context: BrowserContext): Promise<Page> {
    this.#contexts.push(context);
    return await context.newPage();
  }

  /** A program of the guide's, as if it had just been started. */
  async load<Module>(file: string, env: Record<string, string> = {}): Promise<Module> {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    return await import(join(this.folder, file));
  }
}

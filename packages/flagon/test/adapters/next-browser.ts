import { cookieName } from "../../src/testing/adapter/client.ts";

export interface Page {
  readonly status: number;
  /** Of the cookies that were set. */
  readonly names: string[];
  /** What the page says in its first paragraph, or all of another answer. */
  readonly text: string;
  readonly html: string;
}

/** A browser that keeps the session's cookie and shows what a page says. */
export class Browser {
  readonly #origin: string;
  cookie = "";

  constructor(origin: string) {
    this.#origin = origin;
  }

  async ask(path: string, init: RequestInit = {}): Promise<Page> {
    const headers = { origin: this.#origin, ...(this.cookie === "" ? {} : { cookie: this.cookie }) };
    const response = await fetch(this.#origin + path, { redirect: "manual", ...init, headers });
    const lines = response.headers.getSetCookie();
    const own = lines.findLast((line) => line.startsWith(`${cookieName}=`));
    this.cookie = own?.split(";")[0] ?? this.cookie;
    const html = await response.text();
    const names = lines.map((line) => line.split("=")[0] ?? "").sort();
    return { status: response.status, names, html, text: /<p>(.*?)<\/p>/.exec(html)?.[1] ?? html };
  }

  /** Sends the page's form as a browser without scripts does. */
  async submit(name: string, path = "/page"): Promise<Page> {
    const { html } = await this.ask(path);
    const form = new FormData();
    for (const [, field = ""] of html.matchAll(/type="hidden" name="([^"]*)"/g)) form.set(field, "");
    form.set("name", name);
    return await this.ask(path, { method: "POST", body: form });
  }
}

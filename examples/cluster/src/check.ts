import { setTimeout as sleep } from "node:timers/promises";
import type { Example } from "./example.ts";
import { masterOf } from "./state.ts";

const COUNTS = 30;

/**
 * What a person would try on the page, without one: signs in, counts, kills the master that has the session, counts on, kills an
 * instance, counts on, brings all back. Throws at the first thing that is not as promised.
 */
export async function check({ port, state }: Example, say: (line: string) => void): Promise<void> {
  const visitor = new Visitor(`http://localhost:${port}`);

  await visitor.post("/sign-in", { name: "Ada" });
  const slot = Number(/data-slot="(\d+)"/.exec(await visitor.page())?.[1]);
  const answered = new Set<string>();
  for (let i = 0; i < COUNTS; i++) answered.add((await visitor.count()).instance);
  expect(answered.size === 3, `three instances answer, not ${[...answered]}`);
  expect(visitor.lastCount === COUNTS, `${COUNTS} counts are ${visitor.lastCount}`);
  say(`✓ ${COUNTS} counts by ${[...answered].sort().join(", ")}: the count is ${visitor.lastCount}`);

  const owner = masterOf(slot, state().nodes);
  await visitor.post("/lose-node", { slot: String(slot) });
  say(`  Redis ${owner?.number}, the master of the session, is killed (kill -9)`);
  const lostAt = performance.now();
  let refused = 0;
  let firstAfter: number | null = null;
  for (let counted = 0; counted < COUNTS; ) {
    const { status } = await visitor.count();
    if (status === 200) {
      counted++;
      firstAfter ??= performance.now();
    } else {
      refused++;
      await sleep(50);
    }
  }
  const seconds = (((firstAfter ?? lostAt) - lostAt) / 1_000).toFixed(1);
  expect(refused > 0, "the loss of its master is noticed");
  say(`✓ ${refused} times 503 in ${seconds} s, then on by itself; nobody was signed out`);
  const lastMore = visitor.lastCount - visitor.acknowledged;
  say(`✓ ${visitor.acknowledged} counts were acknowledged, the count is ${visitor.lastCount}: none of them is lost`);
  if (lastMore > 0) say(`  (${lastMore} more: answered with 503, and done all the same)`);

  const { instance } = await visitor.count();
  await visitor.post("/lose-instance", { name: instance });
  await until(
    () => state().instances.some(({ name, isUp }) => name === instance && !isUp),
    `instance ${instance} is lost`,
  );
  const others = new Set<string>();
  for (let i = 0; i < COUNTS; i++) {
    const { status, instance: other } = await visitor.count();
    expect(status === 200, `without an instance all is answered, not ${status}`);
    others.add(other);
  }
  expect(others.size === 2 && !others.has(instance), `the two others answer, not ${[...others]}`);
  say(
    `✓ instance ${instance} is killed: ${COUNTS} counts by ${[...others].sort().join(", ")}, no error, the count is ${visitor.lastCount}`,
  );

  await visitor.post("/bring-all-back", {});
  await until(
    () => state().instances.every(({ isUp }) => isUp) && state().nodes.every(({ role }) => role !== "lost"),
    "all is back",
  );
  await visitor.count();
  expect((await visitor.page()).includes("Signed in as"), "Ada is still signed in");
  say(`✓ all is back, and Ada is still signed in: the count is ${visitor.lastCount}`);
}

/** A browser as far as this goes. It holds each answer against what was promised. */
class Visitor {
  readonly #origin: string;
  #cookie = "";
  lastCount = 0;
  acknowledged = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async page(): Promise<string> {
    return await (await this.#ask("/", {})).text();
  }

  async post(path: string, fields: Record<string, string>): Promise<void> {
    const { status } = await this.#ask(path, { method: "POST", body: new URLSearchParams(fields) });
    expect(status === 303, `${path} is answered with 303, not ${status}`);
  }

  /** Status 200, or 503 with Retry-After. */
  async count(): Promise<{ status: number; instance: string }> {
    const response = await this.#ask("/count", { method: "POST", headers: { accept: "application/json" } });
    const { status, headers } = response;
    if (status === 200) {
      const { count } = (await response.json()) as { count: number };
      expect(count > this.lastCount, `the count goes up from ${this.lastCount}, not to ${count}`);
      this.lastCount = count;
      this.acknowledged++;
    } else {
      await response.text();
      expect(status === 503 && headers.has("retry-after"), `an error is a 503 with Retry-After, not ${status}`);
      expect(headers.getSetCookie().length === 0, "an error leaves the cookie alone");
    }
    return { status, instance: headers.get("x-instance") ?? "" };
  }

  async #ask(path: string, { headers, ...init }: RequestInit): Promise<Response> {
    const sent = new Headers(headers);
    sent.set("sec-fetch-site", "same-origin");
    if (this.#cookie !== "") sent.set("cookie", this.#cookie);
    const response = await fetch(this.#origin + path, { ...init, headers: sent, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) this.#cookie = line.split(";")[0] ?? "";
    return response;
  }
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`✗ ${what}`);
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!isSo()) {
    expect(performance.now() < deadline, what);
    await sleep(50);
  }
}

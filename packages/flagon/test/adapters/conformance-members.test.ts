import { afterEach, describe, expect, test, vi } from "vitest";
import type * as SharedMembers from "../../src/state/shared-members.ts";
import { listen } from "./listen.ts";
import { sendWithNode } from "./reply.ts";

type ProtectMembers = typeof SharedMembers.protectMembers;

/** What the suite first finds wrong with a session whose members are protected like this; null for nothing. */
async function finding(protectMembers: ProtectMembers | null): Promise<string | null> {
  vi.resetModules();
  if (protectMembers !== null) vi.doMock("../../src/state/shared-members.ts", () => ({ protectMembers }));
  const { session } = await import("../../src/adapters/node.ts");
  const { adapterConformance } = await import("../../src/testing.ts");
  const cases = adapterConformance(({ sessions, routes }) =>
    listen(
      session(sessions, async (request, response) => {
        const method = request.method === "HEAD" ? "GET" : request.method;
        const route = routes.find((each) => each.method === method && each.path === request.url);
        try {
          if (route === undefined) response.writeHead(404).end();
          else sendWithNode(response, await route.handle(request.session));
        } catch {
          response.writeHead(500).end();
        }
      }),
    ),
  ).filter(({ name }) => name.startsWith("sealed: ") && name.includes("plug-in"));
  expect(cases.length).toBeGreaterThan(1);
  for (const { run } of cases) {
    const found = await run().catch((error: Error) => error.message);
    if (found !== undefined) return found;
  }
  return null;
}

afterEach(() => vi.doUnmock("../../src/state/shared-members.ts"));

describe("the suite finds a session", () => {
  test.each<[how: string, protectMembers: ProtectMembers]>([
    ["that anybody can write on", () => {}],
    ["whose methods can be written on", ({ prototype }) => void Object.freeze(prototype)],
    [
      "whose prototype can be written on",
      ({ prototype }) => {
        for (const member of Object.values(Object.getOwnPropertyDescriptors(prototype))) Object.freeze(member.value);
      },
    ],
    [
      "whose class can be written on",
      ({ prototype }) => {
        for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
          if (name !== "constructor") for (const each of [member.value, member.get, member.set]) Object.freeze(each);
        }
        Object.freeze(prototype);
      },
    ],
  ])("%s", async (_, protectMembers) => {
    expect(await finding(protectMembers)).toMatch(/session\S*\.flagonPlugIn/);
  });

  test("and nothing in Flagon's own", async () => {
    expect(await finding(null)).toBeNull();
  });
});

import { createSessions, type StandardSchema } from "flagon";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Browser, Clock, type Data, SECRET } from "../browser.ts";
import { listen } from "../listen.ts";

interface Shape {
  theme?: "light" | "dark" | undefined;
  cart?: string[] | undefined;
}

const zodSchema = z.object({ theme: z.enum(["light", "dark"]).optional(), cart: z.array(z.string()).optional() });
const valibotSchema = v.object({
  theme: v.optional(v.picklist(["light", "dark"])),
  cart: v.optional(v.array(v.string())),
});

const schemas: [name: string, schema: StandardSchema<Shape>][] = [
  ["zod", zodSchema],
  ["valibot", valibotSchema],
];

/** A browser whose cookie holds data that no schema had a say in. */
function browserWith<D extends object>(data: Data, schema: StandardSchema<D>): Browser<D> {
  const loose = new Browser(createSessions<Data>({ secret: SECRET }));
  loose.visit((session) => {
    session.login("ann");
    session.flash("welcome");
    for (const [key, value] of Object.entries(data)) session.set(key, value);
  });
  const browser = new Browser<D>(createSessions<D>({ secret: SECRET, schema }));
  for (const [name, value] of loose.cookies) browser.cookies.set(name, value);
  return browser;
}

describe.each(schemas)("a schema of %s", (_, schema) => {
  test("lets through what fits", () => {
    const browser = browserWith({ theme: "dark", cart: ["a"] }, schema);
    expect(browser.visit((session) => session.entries())).toEqual([
      ["theme", "dark"],
      ["cart", ["a"]],
    ]);
    expect(browser.setCookies).toEqual([]);
  });

  test("drops data that fails, with an event; the login and the flashes stay", () => {
    const browser = browserWith({ theme: "blue", cart: ["a"] }, schema);
    const events = listen(() => {
      const session = browser.open();
      expect(session.keys()).toEqual([]);
      expect(session.userId).toBe("ann");
      expect(session.isNew).toBe(false);
      expect(session.flashes()).toEqual([{ message: "welcome", category: "message" }]);
    });
    expect(events.filter(({ channel }) => channel === "flagon:reject")).toEqual([
      { channel: "flagon:reject", message: { reason: "schema" } },
    ]);
  });

  test("has what was dropped gone for good once something changes", () => {
    const browser = browserWith({ theme: "blue" }, schema);
    browser.visit((session) => session.set("cart", ["b"]));
    expect(browser.open().entries()).toEqual([["cart", ["b"]]]);
  });

  test("keeps keys that it does not know out", () => {
    const browser = browserWith({ theme: "dark", admin: true }, schema);
    expect(browser.open().keys()).toEqual(["theme"]);
  });

  test("is a TypeError at the commit that names the key, for data that would be dropped at the next request", () => {
    const browser = new Browser(createSessions<Shape>({ secret: SECRET, schema }));
    const session = browser.open();
    session.set("theme", "blue" as "dark");
    expect(() => browser.answer(session)).toThrow(TypeError);
    const again = browser.open();
    again.set("theme", "blue" as "dark");
    expect(() => browser.answer(again)).toThrow(/theme/);
  });

  test("is asked about nested changes too", () => {
    const browser = browserWith({ cart: ["a"] }, schema);
    const session = browser.open();
    session.get("cart")?.push(5 as unknown as string);
    expect(() => browser.answer(session)).toThrow(/cart/);
  });

  test("lets a visitor who stores nothing have no cookie", () => {
    const browser = new Browser(createSessions<Shape>({ secret: SECRET, schema }));
    browser.visit((session) => session.get("theme"));
    expect(browser.setCookies).toEqual([]);
  });
});

describe("a schema with defaults", () => {
  const withDefaults = {
    zod: z.object({
      cart: z.object({ items: z.array(z.string()) }).default({ items: [] }),
      count: z.number().default(0),
    }),
    valibot: v.object({
      cart: v.optional(
        v.custom<{ items: string[] }>(() => true),
        { items: [] },
      ),
      count: v.optional(v.number(), 0),
    }),
  };

  test.each(Object.entries(withDefaults))("of %s gives each visitor values of their own", (_, schema) => {
    const sessions = createSessions<{ cart: { items: string[] }; count: number }>({ secret: SECRET, schema });
    const ann = new Browser(sessions);
    ann.visit((session) => session.get("cart")?.items.push("ann's"));
    const bob = new Browser(sessions);
    expect(bob.open().get("cart")).toEqual({ items: [] });
    expect(bob.open().get("count")).toBe(0);
    bob.visit((session) => session.get("cart")?.items.push("bob's"));
    expect(ann.open().get("cart")).toEqual({ items: ["ann's"] });
    expect(bob.open().get("cart")).toEqual({ items: ["bob's"] });
  });

  test.each(Object.entries(withDefaults))("of %s sets no cookie by itself", (_, schema) => {
    const browser = new Browser(
      createSessions<{ cart: { items: string[] }; count: number }>({ secret: SECRET, schema }),
    );
    expect(browser.visit((session) => session.get("cart"))).toEqual({ items: [] });
    expect(browser.setCookies).toEqual([]);
  });
});

describe("construction", () => {
  test.each<[what: string, schema: StandardSchema<object>, words: RegExp]>([
    ["refuses {} (zod)", z.object({ name: z.string() }), /schema refuses \{\}.*optional\): name: /],
    ["refuses {} (valibot)", v.object({ name: v.string() }), /schema refuses \{\}.*optional\): name: /],
    ["is asynchronous (zod)", z.object({}).refine(async () => true), /schema refuses \{\}.*answers at once/],
    [
      "is asynchronous (valibot)",
      v.pipeAsync(
        v.object({}),
        v.checkAsync(async () => true),
      ),
      /schema refuses \{\}.*answers at once/,
    ],
  ])("throws a TypeError for a schema that %s", (_, schema, words) => {
    expect(() => createSessions({ secret: SECRET, schema })).toThrow(TypeError);
    expect(() => createSessions({ secret: SECRET, schema })).toThrow(words);
  });

  test.each<[what: string, schema: unknown]>([
    ["no standard schema", {}],
    ["a function", () => true],
    ["a JSON schema", { type: "object" }],
    ["null", null],
  ])("throws a TypeError that names the option for %s", (_, schema) => {
    const make = (): unknown => createSessions({ secret: SECRET, schema: schema as StandardSchema<object> });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/schema/);
  });

  test("throws a TypeError for a schema that makes something else than an object of {}", () => {
    for (const schema of [z.any().transform(() => 5), z.any().transform(() => null), z.any().transform(() => [])]) {
      expect(() => createSessions({ secret: SECRET, schema: schema as StandardSchema<object> })).toThrow(/schema/);
    }
  });
});

test("a schema that fails keeps a new session's clock and id", () => {
  const clock = new Clock();
  const schema = z.object({ a: z.number().optional() });
  const browser = new Browser(createSessions({ secret: SECRET, schema, now: clock.now }));
  browser.visit((session) => session.set("a", 1));
  const { id } = browser.open();
  expect(browser.open().id).toBe(id);
});

// Checked by the compiler alone: a line that must not compile says @ts-expect-error, and is an error when it does.
import { createSessions, type Flash, type Session, type Sessions } from "flagon";
import { expectTypeOf } from "vitest";

interface Shop {
  username: string;
  cart: { sku: string; count: number }[];
  seen?: Date;
  total: bigint;
  theme: "light" | "dark";
}

export function typeParameter(session: Session<Shop>): void {
  expectTypeOf(session.get("username")).toEqualTypeOf<string | undefined>();
  expectTypeOf(session.get("cart")).toEqualTypeOf<Shop["cart"] | undefined>();
  expectTypeOf(session.get("seen")).toEqualTypeOf<Date | undefined>();
  expectTypeOf(session.pop("total")).toEqualTypeOf<bigint | undefined>();
  expectTypeOf(session.set("theme", "dark")).toExtend<Session<Shop>>();
  expectTypeOf(session.keys()).toEqualTypeOf<(keyof Shop)[]>();
  expectTypeOf(session.has("cart")).toEqualTypeOf<boolean>();
  expectTypeOf(session.size).toEqualTypeOf<number>();
  expectTypeOf(session.update("total", (total) => (total ?? 0n) + 1n)).toEqualTypeOf<bigint>();
  expectTypeOf(session.update("cart", (cart = []) => [...cart, { sku: "a", count: 1 }])).toEqualTypeOf<Shop["cart"]>();
  session.get("cart")?.push({ sku: "a", count: 1 });

  // @ts-expect-error: get may be undefined
  session.get("username").length;
  // @ts-expect-error: no such key
  session.get("user");
  // @ts-expect-error: no such key
  session.set("user", "ann");
  // @ts-expect-error: no such key
  session.has("user");
  // @ts-expect-error: no such key
  session.delete("user");
  // @ts-expect-error: no such key
  session.pop("user");
  // @ts-expect-error: no such key
  session.update("user", () => "ann");
  // @ts-expect-error: another type
  session.set("username", 5);
  // @ts-expect-error: none of its words
  session.set("theme", "blue");
  // @ts-expect-error: the step returns another type
  session.update("total", () => 5);
  // @ts-expect-error: the step may get undefined
  session.update("total", (total) => total + 1n);
  // @ts-expect-error: a wrong item
  session.get("cart")?.push({ sku: "a" });
}

export function loose(session: Session): void {
  expectTypeOf(session.get("anything")).toEqualTypeOf<unknown>();
  session.set("anything", { at: "all" });
  expectTypeOf(session.keys()).toEqualTypeOf<string[]>();
  // @ts-expect-error: what is unknown is not text
  const name: string = session.get("anything");
  void name;
}

export function members(session: Session<Shop>): void {
  expectTypeOf(session.userId).toEqualTypeOf<string | null>();
  expectTypeOf(session.authenticatedAt).toEqualTypeOf<number | null>();
  expectTypeOf(session.createdAt).toEqualTypeOf<number | null>();
  expectTypeOf(session.expiresAt).toEqualTypeOf<number>();
  expectTypeOf(session.id).toEqualTypeOf<string>();
  expectTypeOf(session.isNew).toEqualTypeOf<boolean>();
  expectTypeOf(session.permanent).toEqualTypeOf<boolean>();
  expectTypeOf(session.flashes()).toEqualTypeOf<Flash[]>();
  expectTypeOf(session.flashes({ category: "error" })).toEqualTypeOf<Flash[]>();
  expectTypeOf(session.csrfToken()).toEqualTypeOf<string>();
  expectTypeOf(session.checkCsrfToken("a")).toEqualTypeOf<boolean>();
  expectTypeOf(session.isFresh("10m")).toEqualTypeOf<boolean>();
  session.login("ann");
  session.login(42, { permanent: true, device: "Work laptop" });

  // @ts-expect-error: a bigint is no user id
  session.login(42n);
  // @ts-expect-error: a user id is needed
  session.login();
  // @ts-expect-error: no such option
  session.login("ann", { remember: true });
  // @ts-expect-error: read only
  session.userId = "ann";
  // @ts-expect-error: read only
  session.id = "a";
  // @ts-expect-error: no duration
  session.isFresh("soon");
  // @ts-expect-error: a category is text
  session.flash("a", 1);
}

export async function sessions(made: Sessions<Shop>): Promise<void> {
  const opened = made.open({ method: "GET", url: "https://shop.example/", header: () => null });
  expectTypeOf(opened).toEqualTypeOf<Session<Shop> | Promise<Session<Shop>>>();
  const session = await opened;
  const lines = await made.commit(session);
  for (const [name, value] of lines) expectTypeOf([name, value]).toEqualTypeOf<string[]>();
  expectTypeOf(await made.prune()).toEqualTypeOf<number>();
  const [info] = await made.list("ann");
  expectTypeOf(info?.device).toEqualTypeOf<string | null | undefined>();
  await made.revokeUser(42, { except: session.id });

  // @ts-expect-error: another app's session
  await made.commit(await createSessions<{ other: 1 }>({}).open({ method: "GET", url: "", header: () => null }));
}

import { DatabaseSync } from "node:sqlite";
import { beforeEach, expect, test, vi } from "vitest";
import { Counter, countAttempts, countSignUps, type Guesser, network } from "../src/accounts/attempts.ts";
import { checkPassword, hashPassword, isOutdated, passwordProblem } from "../src/accounts/passwords.ts";
import { openUsers, type Users, usernameProblem } from "../src/accounts/users.ts";

const argon2 = vi.hoisted(() => ({ verified: [] as string[] }));

vi.mock("@node-rs/argon2", async (importActual) => {
  const actual = await importActual<typeof import("@node-rs/argon2")>();
  const verify: typeof actual.verify = (hash, ...rest) => {
    argon2.verified.push(String(hash));
    return actual.verify(hash, ...rest);
  };
  return { ...actual, verify };
});

let users: Users;
beforeEach(() => {
  users = openUsers(new DatabaseSync(":memory:"));
  argon2.verified = [];
});

test("an account is found by its name in any case, and by letters that look the same", () => {
  const ada = users.add("Ada", "hash");
  expect(users.byName("ADA ")?.id).toBe(ada?.id);
  expect(users.byName("\uff21da")?.id).toBe(ada?.id);
  expect(users.byId(ada?.id ?? "")?.username).toBe("Ada");
  expect(users.byName("Adam")).toBeNull();
});

test("a name that differs only in case is taken", () => {
  users.add("Ada", "first");
  expect(users.add("aDA", "second")).toBeNull();
  expect(users.byName("ada")?.passwordHash).toBe("first");
});

test("a name that looks like another one is taken", () => {
  users.add("pace", "first");
  users.add("straße", "second");
  for (const name of ["расе", "Расе", "\uff50ace", "STRASSE"]) expect(users.add(name, "third"), name).toBeNull();
});

const names = [
  "ada",
  "Ada-Lovelace",
  "a.b_c",
  "Ægir",
  "Zoë",
  "李小龍",
  "さくら99",
  "Ελένη",
  "Юлия",
  "عائشة",
  "नेहा",
  "김철수",
];

test.each([...names, "x".repeat(32)])("%s will do as a name", (name) => {
  expect(usernameProblem(name)).toBeNull();
});

test.each(["", " ", "a", "-ada", "a b", "a\nda", "ada\u202e", "<b>", "x".repeat(33)])("%j is no name", (name) => {
  expect(usernameProblem(name)).not.toBeNull();
});

test.each(["\u3164", "\ufe0f", "\u034f", "\u180b", "\u{e0100}", "\u17b4", "\u200d", "\u115f", "\uffa0", "\u00ad"])(
  "a name with %j in it, which shows nothing, is none",
  (unseen) => {
    for (const name of [`ada${unseen}`, `a${unseen}da`, `${unseen}ada`]) expect(usernameProblem(name)).not.toBeNull();
  },
);

test.each(["\u0430da", "ad\u03b1", "a\u0301\u0301\u0301\u0301da", "paypa\u04cf", "李b"])(
  "a name of two alphabets, or of marks upon marks, is none: %j",
  (name) => {
    expect(usernameProblem(name)).not.toBeNull();
  },
);

test.each([
  ["eleven chars", "elevenchars"],
  ["nothing", ""],
  ["one character many times", "a".repeat(20)],
  ["the name with little around it", "ada-lovelace1"],
  ["a novel", "ab cd ".repeat(50)],
])("%s is refused as a password", (_, password) => {
  expect(passwordProblem(password, "Ada-Lovelace")).not.toBeNull();
});

test("a pass phrase in any script will do", () => {
  expect(passwordProblem("correct horse battery", "ada")).toBeNull();
  expect(passwordProblem("наш старый добрый чайник", "ada")).toBeNull();
});

test("a password is kept as argon2id at OWASP's parameters, and only it opens the account", async () => {
  const hash = await hashPassword("correct horse battery");
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(isOutdated(hash)).toBe(false);
  expect(await checkPassword(hash, "correct horse battery")).toBe(true);
  expect(await checkPassword(hash, "correct horse batterz")).toBe(false);
});

test("a hash of other parameters is outdated", () => {
  expect(isOutdated("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")).toBe(true);
});

test("a letter written in two ways is one password", async () => {
  expect(await checkPassword(await hashPassword("caf\u00e9 au lait"), "cafe\u0301 au lait")).toBe(true);
});

test("an unknown user costs the same work as a wrong password, and never gets in", async () => {
  const hash = await hashPassword("correct horse battery");
  expect(await checkPassword(hash, "wrong wrong wrong")).toBe(false);
  expect(await checkPassword(null, "wrong wrong wrong")).toBe(false);
  const parameters = argon2.verified.map((text) => text.split("$").slice(0, 4).join("$"));
  expect(parameters).toHaveLength(2);
  expect(parameters[0]).toBe(parameters[1]);
});

const stranger = (username: string, address: string): Guesser => ({ kind: "stranger", username, address });
const guessers: readonly Guesser[] = [
  stranger("ada", "192.0.2.1"),
  { kind: "session", id: "a" },
  { kind: "device", id: "a" },
];

test("the eleventh try of a network at an account waits, whether or not the account exists", async () => {
  const attempts = countAttempts();
  for (let n = 1; n <= 10; n += 1) expect(await attempts.take(stranger("ada", "192.0.2.1"))).toBeNull();
  expect(await attempts.take(stranger("ADA", "192.0.2.1"))).toBeGreaterThan(800);
  expect(await attempts.take(stranger("bob", "192.0.2.1"))).toBeNull();
  expect(await attempts.take(stranger("ada", "198.51.100.1"))).toBeNull();
});

test("tries sent at the same moment count one by one", async () => {
  const attempts = countAttempts();
  for (const guesser of guessers) {
    const waits = await Promise.all(Array.from({ length: 50 }, () => attempts.take(guesser)));
    expect(waits.filter((wait) => wait === null)).toHaveLength(10);
  }
});

test("one network can't go through many accounts", async () => {
  const attempts = countAttempts();
  const tries = Array.from({ length: 80 }, (_, n) => attempts.take(stranger(`user-${n}`, "2001:db8:1:2::1")));
  expect((await Promise.all(tries)).filter((wait) => wait === null)).toHaveLength(60);
  expect(await attempts.take(stranger("another", "2001:db8:1:2:ffff::9"))).not.toBeNull();
  expect(await attempts.take(stranger("another", "2001:db8:1:3::1"))).toBeNull();
});

test("many networks can't go through one account's passwords", async () => {
  const attempts = countAttempts();
  const tries = Array.from({ length: 300 }, (_, n) => attempts.take(stranger("ada", `198.51.100.${n % 100}`)));
  expect((await Promise.all(tries)).filter((wait) => wait === null)).toHaveLength(100);
});

test("a right password gives the tries back", async () => {
  const attempts = countAttempts();
  for (const guesser of guessers) {
    for (let n = 1; n <= 150; n += 1) {
      expect(await attempts.take(guesser)).toBeNull();
      await attempts.succeeded(guesser);
    }
  }
});

test("counts take a bounded room: what was tried at longest ago is forgotten", async () => {
  const counter = new Counter(1, 60, 100);
  await counter.take("first");
  await counter.take("second");
  for (let n = 0; n < 98; n += 1) await counter.take(`key ${n}`);
  expect(await counter.take("first")).not.toBeNull();
  await counter.take("one more");
  expect(await counter.take("first")).not.toBeNull();
  expect(await counter.take("second")).toBeNull();
});

test("an address makes thirty accounts an hour at most", async () => {
  const signUps = countSignUps();
  for (let n = 1; n <= 30; n += 1) expect(await signUps.take("192.0.2.1")).toBeNull();
  expect(await signUps.take("192.0.2.1")).toBeGreaterThan(3_000);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["2001:0DB8:0001:0002:3:4:5:6", "2001:db8:1:2"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["::1", "0:0:0:0"],
  ["unknown", "unknown"],
])("%s counts as %s", (address, expected) => {
  expect(network(address)).toBe(expected);
});

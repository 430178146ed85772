import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

export interface User {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface Users {
  byId(id: string): User | null;
  /** Finds "Ada" by "ada" as well: names that look the same are one account. */
  byName(username: string): User | null;
  /** Null when the name is taken. */
  add(username: string, passwordHash: string): User | null;
  setPassword(id: string, passwordHash: string): void;
}

/**
 * One spelling for each name: case, letters that Unicode writes in several ways, and letters of another script that are
 * drawn like Latin ones make no second account.
 */
export function accountKey(username: string): string {
  const folded = spelled(username).toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replace(/\P{ASCII}/gu, (letter) => lookalikes.get(letter) ?? letter).slice(0, 64);
}

/** Of Unicode's confusables (UTS #39) those that are whole letters of a script that many people write in. */
const lookalikes: ReadonlyMap<string, string> = new Map(
  "аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw ѵv ӏl кk αa νv οo ρp υu ιi κk χx γy ηn ωw τt"
    .split(" ")
    .map(([theirs = "", latin = ""]) => [theirs, latin]),
);

function spelled(username: string): string {
  return username.trim().normalize("NFKC");
}

/** Those that may stand together in one name (UAX #31, recommended scripts); digits and marks go with each. */
const scripts = [
  ...["Latin", "Cyrillic", "Greek", "Armenian", "Georgian", "Hebrew", "Arabic", "Thaana", "Ethiopic", "Devanagari"],
  ...["Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao"],
  ...["Tibetan", "Myanmar", "Khmer", "Han|Hiragana|Katakana", "Han|Bopomofo", "Han|Hangul"],
].map((together) => {
  const classes = together.split("|").map((script) => `\\p{scx=${script}}`);
  return new RegExp(`^[\\p{scx=Common}\\p{scx=Inherited}${classes.join("")}]+$`, "u");
});

/** What is wrong with a new account's name; null when it will do. */
export function usernameProblem(username: string): string | null {
  const name = spelled(username);
  if (name === "") return "Choose a name.";
  // Nothing that is drawn as nothing, such as fillers and variation selectors, some of which count as letters.
  const isWord = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]{1,31}$/u.test(name);
  if (!isWord || /\p{Default_Ignorable_Code_Point}/u.test(name) || /\p{M}{3}/u.test(name)) {
    return "Use 2 to 32 letters, digits, dots, dashes or underscores, and begin with a letter or a digit.";
  }
  return scripts.some((script) => script.test(name)) ? null : "Use letters of one alphabet.";
}

export function openUsers(database: DatabaseSync): Users {
  database.exec(`
    CREATE TABLE IF NOT EXISTS users (
      id TEXT PRIMARY KEY,
      account_key TEXT NOT NULL UNIQUE,
      username TEXT NOT NULL,
      password_hash TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT`);
  const columns = "id, username, password_hash, created_at";
  const selectById = database.prepare(`SELECT ${columns} FROM users WHERE id = ?`);
  const selectByKey = database.prepare(`SELECT ${columns} FROM users WHERE account_key = ?`);
  const insert = database.prepare(
    "INSERT INTO users (id, account_key, username, password_hash, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const updatePassword = database.prepare("UPDATE users SET password_hash = ? WHERE id = ?");

  return {
    byId: (id) => toUser(selectById.get(id)),
    byName: (username) => toUser(selectByKey.get(accountKey(username))),
    add(username, passwordHash) {
      const user: User = {
        id: randomUUID(),
        username: spelled(username),
        passwordHash,
        createdAt: Date.now(),
      };
      const { changes } = insert.run(user.id, accountKey(username), user.username, passwordHash, user.createdAt);
      return changes === 1 ? user : null;
    },
    setPassword(id, passwordHash) {
      updatePassword.run(passwordHash, id);
    },
  };
}

function toUser(row: Record<string, unknown> | undefined): User | null {
  if (row === undefined) return null;
  return {
    id: String(row.id),
    username: String(row.username),
    passwordHash: String(row.password_hash),
    createdAt: Number(row.created_at),
  };
}

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

/** One spelling for each name: case, and letters that unicode writes in several ways, make no second account. */
export function accountKey(username: string): string {
  return username.trim().normalize("NFKC").toLowerCase().slice(0, 64);
}

/** What is wrong with a new account's name; null when it will do. */
export function usernameProblem(username: string): string | null {
  const name = username.trim().normalize("NFKC");
  if (name === "") return "Choose a name.";
  if (/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{1,31}$/u.test(name)) return null;
  return "Use 2 to 32 letters, digits, dots, dashes or underscores, and begin with a letter or a digit.";
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
        username: username.trim().normalize("NFKC"),
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

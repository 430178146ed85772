import { Buffer } from "node:buffer";

/** A cookie of another kind, and what can be said of it without any secret. */
export interface ForeignCookie {
  readonly format: string;
  readonly title: string;
  /** What its content is to who has it, and how it comes over. */
  readonly advice: string;
}

const expressSession: ForeignCookie = {
  format: "express-session",
  title: "a signed session id of express-session",
  advice: "It names a row in that app's store; the data is not in it.",
};

const signedId: ForeignCookie = {
  format: "signed-id",
  title: "a signed session id, as @fastify/session and better-auth write it",
  advice: "It names a row in that app's store; the data is not in it.",
};

const iron: ForeignCookie = {
  format: "iron-session",
  title: "sealed by iron-session, or another library in iron's format",
  advice: "Only that library and its password open it.",
};

const cookieSession: ForeignCookie = {
  format: "cookie-session",
  title: "the data of cookie-session or koa-session, in plain base64",
  advice: "Anyone who has it can read it; its signature is in the cookie of the same name with .sig.",
};

const reactRouter: ForeignCookie = {
  format: "react-router",
  title: "a cookie session of React Router or Remix, signed and in plain base64",
  advice: "Anyone who has it can read it.",
};

const secureSession: ForeignCookie = {
  format: "secure-session",
  title: "sealed by @fastify/secure-session",
  advice: "Only that library and its key open it.",
};

const jwt: ForeignCookie = {
  format: "jwt",
  title: "a JSON Web Token",
  advice: "It is signed, not encrypted: anyone who has it can read it.",
};

const jwe: ForeignCookie = {
  format: "jwe",
  title: "an encrypted JSON Web Token, as Auth.js writes it",
  advice: "Only the app that wrote it opens it.",
};

export const flask: ForeignCookie = {
  format: "flask",
  title: "a session cookie of Flask, signed and not encrypted",
  advice: "With --flask and Flask's SECRET_KEY it is checked as flaskCodec from flagon/flask does.",
};

/** Each looks at a value that was percent-decoded. The first that says yes names it. */
const kinds: readonly (readonly [kind: ForeignCookie, is: (value: string) => boolean])[] = [
  [iron, (value) => /^Fe26\.\d*\*/.test(value)],
  [expressSession, (value) => /^s:.+\.[A-Za-z0-9+/]{43}=?$/.test(value)],
  [secureSession, (value) => /^[A-Za-z0-9+/]+={0,2};[A-Za-z0-9+/]{32}$/.test(value)],
  [jwt, (value) => value.split(".").length === 3 && hasAlgorithm(value)],
  [jwe, (value) => value.split(".").length === 5 && hasAlgorithm(value)],
  [flask, isFlask],
  [reactRouter, (value) => /^[^.]+\.[A-Za-z0-9+/]{43}=?$/.test(value) && isJson(value.split(".")[0] ?? "")],
  [signedId, (value) => /^[A-Za-z0-9_-]{20,}\.[A-Za-z0-9+/]{43}=?$/.test(value)],
  [cookieSession, isJson],
];

/** Null for a value of no kind that is known here. */
export function recognise(value: string): ForeignCookie | null {
  const decoded = percentDecoded(value);
  return kinds.find(([, is]) => is(decoded))?.[0] ?? null;
}

/** Frameworks percent-encode what they put in a cookie; a bare value may have been copied either way. */
function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** `payload.timestamp.signature`: the timestamp is seconds since 1970 in four bytes, the signature one of SHA-1 or SHA-2. */
function isFlask(value: string): boolean {
  return /^(?:\.eJ|e)[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{6}\.(?:[A-Za-z0-9_-]{27}|[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{86})$/.test(
    value,
  );
}

function hasAlgorithm(value: string): boolean {
  const header = jsonIn(value.split(".")[0] ?? "");
  return typeof header === "object" && header !== null && "alg" in header;
}

function isJson(value: string): boolean {
  const content = jsonIn(value);
  return typeof content === "object" && content !== null;
}

function jsonIn(base64: string): unknown {
  if (!/^e[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return null;
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
  } catch {
    return null;
  }
}

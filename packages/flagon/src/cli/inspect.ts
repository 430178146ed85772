import { SecretKeys } from "../crypto/keys.ts";
import { SessionError } from "../errors.ts";
import { kindOf } from "../formats/kinds.ts";
import { type PastedCookie, readPasted } from "./inspect/cookie-text.ts";
import type { Finding, InspectionRules, Verdict } from "./inspect/finding.ts";
import { flask, recognise } from "./inspect/foreign-formats.ts";
import { findingAsJson } from "./inspect/json.ts";
import { type Look, printFinding } from "./inspect/print.ts";
import { tellSealed } from "./inspect/sealed-cookie.ts";
import { tellStore } from "./inspect/store-cookie.ts";
import {
  appOptions,
  lifetimesOf,
  parse,
  readSecrets,
  ringOf,
  secretOptions,
  storeOptions,
  withDotenv,
} from "./options.ts";
import { openStore, storeFailed } from "./store/open.ts";
import { type ExitCode, type Terminal, UsageError } from "./terminal.ts";
import { asJson, styleFor } from "./text.ts";

const standardNames = ["__Host-Http-session", "session", "__Secure-session"];

const options = {
  ...secretOptions,
  ...appOptions,
  ...storeOptions,
  name: { type: "string", multiple: true },
  flask: { type: "boolean" },
  at: { type: "string" },
  values: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export const inspectHelp = `flagon inspect <cookie>: opens a session cookie, and says whether a server
would take it, and why not

  <cookie>   a value, name=value, a Cookie or Set-Cookie line; - or nothing
             for stdin: curl -si https://app.example | flagon inspect

  The secret is in SESSION_SECRET, or:
    --secret-env NAME      another variable; once more for each older secret
    --secret-file FILE     a file with one secret on each line, the newest first
    --dotenv .env          where to look for the variables first

  What createSessions was told, where it is not the default:
    --name NAME            cookie: { name }
    --app NAME             app
    --idle 30m             lifetime: { idle }; likewise --absolute 12h,
                           --permanent-idle 31d and --permanent-absolute 180d
    --store URL            store or revocations: redis://, postgres://, SQLite file
                           (else SESSION_STORE, which keeps a password out of ps);
                           --table and --prefix likewise
    --flask                flaskCodec, and the secret is Flask's SECRET_KEY

  --at 2026-11-30T12:00Z   asks for another moment than now
  --values                 shows the values too; without it, their sizes
  --json                   for programs

  Exit code 0: accepted. 1: refused. 2: it could not be looked at.
`;

export async function inspect(args: readonly string[], own: Terminal): Promise<ExitCode> {
  const { values: given, positionals } = parse(args, options);
  if (given.help) {
    own.out(inspectHelp);
    return 0;
  }
  const terminal = withDotenv(given, own);
  const cookies = choose(readPasted(await textOf(positionals, terminal)), given.name);
  const secrets = readSecrets(given, terminal);
  const ring = given.flask ? null : ringOf(secrets, given.app);
  const lifetimes = lifetimesOf(given);
  const now = momentOf(given.at, terminal);
  const opened = await openStore(given, terminal);
  const rules: InspectionRules = {
    ring,
    keyIds: ring === null ? [] : secrets.map((secret) => new SecretKeys(secret, "").id),
    names: [...(given.name ?? []), ...standardNames],
    lifetimes,
    now,
    store: opened?.store ?? null,
  };
  const findings: Finding[] = [];
  try {
    for (const cookie of cookies) findings.push(await tell(cookie, secrets, given.flask === true, rules));
  } catch (error) {
    throw error instanceof SessionError ? storeFailed(error, given.store ?? terminal.env.SESSION_STORE ?? "") : error;
  } finally {
    await opened?.close();
  }
  const values = given.values === true;
  const look: Look = { style: styleFor(terminal.colours), columns: terminal.columns, values };
  terminal.out(
    given.json
      ? asJson(
          findings.map((finding) => findingAsJson(finding, values)),
          2,
        )
      : findings.map((finding) => printFinding(finding, rules, look)).join("\n"),
  );
  return exitCodeOf(findings);
}

async function textOf(positionals: readonly string[], terminal: Terminal): Promise<string> {
  const isNamed = positionals.length > 0;
  if (!isNamed && !terminal.isPiped) throw new UsageError("flagon inspect needs a cookie, or one on stdin");
  const text = isNamed && positionals.join() !== "-" ? positionals.join(" ") : await terminal.input();
  if (text.trim() === "") throw new UsageError("that is no cookie: it is empty");
  return text;
}

/** Of all that was pasted, what a session may be in. */
function choose(pasted: readonly PastedCookie[], names: readonly string[] | undefined): readonly PastedCookie[] {
  const named = pasted.map(({ name }) => name ?? "a value");
  if (names !== undefined) {
    const chosen = pasted.filter(({ name }) => name === null || names.includes(name));
    if (chosen.length > 0) return chosen;
    throw new UsageError(`there is no cookie ${names.join(" or ")} in it: it has ${named.join(", ") || "none"}`);
  }
  const steps: ((cookie: PastedCookie) => boolean)[] = [
    ({ name, value }) => kindOf(value) !== null || standardNames.includes(name ?? ""),
    ({ value }) => recognise(value) !== null,
    () => pasted.length === 1,
  ];
  for (const isOne of steps) {
    const chosen = pasted.filter(isOne);
    if (chosen.length > 0) return chosen;
  }
  throw new UsageError(
    pasted.length === 0
      ? "there is no cookie in that"
      : `none of these is a session cookie that is known here: ${named.join(", ")}; --name says which it is`,
  );
}

async function tell(
  cookie: PastedCookie,
  secrets: readonly string[],
  isFlaskApp: boolean,
  rules: InspectionRules,
): Promise<Finding> {
  const { name, value } = cookie;
  const bytes = (name ?? "").length + value.length;
  const base = { name, bytes, session: null };
  if (value === "") {
    const why = "A line with an empty value and Max-Age=0 tells the browser to forget the cookie.";
    return {
      ...base,
      format: "deleted",
      title: "a cookie that was deleted",
      verdict: "refused",
      reason: "deleted",
      why,
    };
  }
  const foreign = recognise(value);
  if (isFlaskApp || foreign === flask) {
    const { tellFlask } = await import("./inspect/flask-cookie.ts");
    return { ...base, format: flask.format, title: flask.title, ...tellFlask(cookie, secrets, isFlaskApp, rules) };
  }
  if (foreign !== null) {
    return { ...base, ...foreign, verdict: "refused", reason: "foreign", why: foreign.advice };
  }
  const told = await tellOwn(cookie, rules);
  return { ...base, ...told, bytes: (told.name ?? "").length + value.length };
}

async function tellOwn(cookie: PastedCookie, rules: InspectionRules): Promise<Omit<Finding, "bytes">> {
  switch (kindOf(cookie.value)) {
    case "sealed":
      return { format: "sealed", title: "a session sealed in its cookie", ...(await tellSealed(cookie, rules)) };
    case "store":
      return { format: "store", title: "the id of a session in a store", ...(await tellStore(cookie, rules)) };
    case "row": {
      const why = "It is what a store keeps of a session. No cookie is made of it, and it opens only in its own row.";
      return { ...nothing(cookie), format: "row", title: "the data of a store's row", why };
    }
    default: {
      const why =
        "It begins as nothing that Flagon or another library known here writes: it was changed, or is another app's.";
      return { ...nothing(cookie), format: "unknown", title: "no session cookie that is known here", why };
    }
  }
}

function nothing({ name }: PastedCookie): Pick<Finding, "name" | "verdict" | "reason" | "session"> {
  return { name, verdict: "refused", reason: "malformed", session: null };
}

function momentOf(at: string | undefined, terminal: Terminal): number {
  const moment = at === undefined ? terminal.now() : new Date(at).getTime();
  if (Number.isNaN(moment)) throw new UsageError("--at takes a date such as 2026-11-30T12:00Z");
  return moment;
}

/** A server takes the first cookie that opens, so one that is accepted is enough. */
function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const has = (...verdicts: Verdict[]): boolean => findings.some(({ verdict }) => verdicts.includes(verdict));
  if (has("accepted", "genuine")) return 0;
  return has("unchecked") ? 2 : 1;
}

import { Buffer } from "node:buffer";

/** Secrets that stand in Flask's documentation and its best-known tutorials. */
const known: ReadonlySet<string> = new Set([
  "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
  '_5#y2L"F4Q8z\n\xec]/',
  "you-will-never-guess",
  "5791628bb0b13ce0c676dfde280ba245",
]);

/** Words of which a secret consists when nobody chose one. Compared in lower case, with letters and digits alone. */
const placeholder =
  /^(?:a|the|my|your|our|this|is|very|super|really|top|flask|app|development|dev|debug|test|testing|default|example|secrets?|key|password|random|string|change|replace|me|in|production|hard|to|guess|123(?:4(?:56?)?)?|hello|world|foo|bar|abc)+$/;

/** 128 bits: what `secrets.token_hex(16)` and `os.urandom(16)` hold. */
const BYTES_MIN = 16;

/** Why a Flask secret can be guessed, as the end of a sentence; null for one that has nothing wrong to be seen. */
export function weaknessOfFlaskSecret(secret: string | Uint8Array): string | null {
  const bytes = Buffer.from(secret as string);
  const text = typeof secret === "string" ? secret : bytes.toString("latin1");
  if (known.has(text) || placeholder.test(text.toLowerCase().replace(/[^a-z0-9]/g, "")))
    return "is known from examples";
  if (bytes.length < BYTES_MIN) return `is ${bytes.length} bytes long; Flask's documentation makes one of 32`;
  return new Set(bytes).size < 8 ? "repeats itself" : null;
}

const warned: Set<string> = new Set();

/** Says it loudly, once for each weakness in a process. The secret can't be refused here: Flask's cookies are signed with it. */
export function warnOfWeakSecret(option: string, secret: string | Uint8Array): void {
  const weakness = weaknessOfFlaskSecret(secret);
  if (weakness === null || warned.has(weakness)) return;
  warned.add(weakness);
  globalThis.process?.emitWarning?.(
    `flaskCodec: ${option} ${weakness}: whoever guesses it can sign in as anybody. Set a new one in Flask and here: ` +
      "python3 -c 'import secrets; print(secrets.token_hex())'",
    { type: "FlagonWarning", code: "FLAGON_WEAK_FLASK_SECRET" },
  );
}

import type { OpenRequest, SessionRecord } from "../codec.ts";
import { encodeBase64url, randomBytes } from "./bytes.ts";
import { Draft, type Print } from "./draft.ts";
import { emit } from "./events.ts";
import type { Loaded, Stay } from "./home.ts";

/** What every session of one `Sessions` goes by. */
export interface Rules {
  readonly now: () => number;
  readonly expiresAt: (record: SessionRecord) => number;
  readonly print: Print;
  /** The user's schema: the data it makes of what was loaded, or null when the data fails. */
  readonly readData: ((data: Record<string, unknown>) => Record<string, unknown> | null) | null;
  /** Throws a `TypeError` for data that the user's schema would drop at the next request. */
  readonly checkData: ((data: Record<string, unknown>) => void) | null;
}

/** How the opened session ends, if it does: told apart in events only. */
export type Ending = "rotated" | "ended";

/**
 * What one request does with its session: what was loaded, what is to change, whether the old id ends. No I/O: a home
 * loads it before and saves it after. The session may end and another begin in one visit (`logout`, then `flash`).
 */
export class Visit {
  readonly request: OpenRequest;
  readonly rules: Rules;
  readonly #stay: Stay;
  #loaded: Loaded | null = null;
  #record: SessionRecord | null = null;
  #draft: Draft | null = null;
  /** Null while the opened session goes on under its id. */
  ending: Ending | null = null;
  /** What a login said of the device; null without a login. */
  device: string | null = null;
  isLogin = false;
  /** Whether what is written rests on what was opened: not after a logout. */
  #inherits = true;
  #isPermanenceSet = false;
  #isKept = false;
  #isDestroyed = false;
  #isClosed = false;

  constructor(request: OpenRequest, rules: Rules, stay: Stay) {
    this.request = request;
    this.rules = rules;
    this.#stay = stay;
  }

  get isLookedAt(): boolean {
    return this.#loaded !== null;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** From now on the response is on its way: a change, and a first look, could no longer be kept. */
  close(): void {
    this.#isClosed = true;
  }

  /** What the request came with. The first call loads it and throws what the home failed with. */
  get loaded(): Loaded {
    return this.#loaded ?? this.#load();
  }

  /** The session as it stands now. Its `data` and `flashes` are those loaded; the draft has what changed. */
  get record(): SessionRecord {
    if (this.#record === null) this.#load();
    return this.#record as SessionRecord;
  }

  get draft(): Draft {
    if (this.#draft === null) this.#load();
    return this.#draft as Draft;
  }

  /** Called before any change. */
  beginChange(): void {
    if (this.#isClosed) throw tooLate("changed");
    if (this.#isDestroyed)
      throw new TypeError("the session was destroyed in this request; logout() lets a new one begin");
    if (this.#loaded === null) this.#load();
  }

  /** Keeps the session although it holds nothing. One that was kept before needs no writing for that. */
  keep(): void {
    this.#isKept ||= this.#isFresh;
  }

  set permanent(permanent: boolean) {
    if (this.record.permanent === permanent) return;
    this.record.permanent = permanent;
    this.#isPermanenceSet = true;
    this.#isKept ||= this.loaded.record !== null;
  }

  /** Gives the session a new id and ends the old one. The data stays, and the heir knows its family. */
  rotate(): void {
    const { record, loaded } = this;
    const from = this.#inherits ? loaded.record : null;
    record.id = newId();
    if (from === null) return;
    this.ending = "rotated";
    this.#isKept = true;
    record.family ??= from.id;
    this.#stay.announce?.(record.id, from.id);
  }

  login(userId: string): void {
    const { userId: before } = this.record;
    if (before !== null && before !== userId) this.end();
    this.rotate();
    // Someone who was nobody until now is no heir: a sign-out of the visitor they were does not sign them out.
    if (before === null) delete this.record.family;
    const now = this.rules.now();
    Object.assign(this.record, { userId, createdAt: now, authenticatedAt: now, renewedAt: now, fresh: true });
    this.isLogin = true;
    this.#isKept = true;
  }

  /** Ends the session; what is stored afterwards begins another. */
  end(): void {
    if (this.loaded.record !== null || this.loaded.muted) this.ending = "ended";
    this.#inherits = false;
    this.#isKept = false;
    this.isLogin = false;
    this.device = null;
    this.#begin(this.#freshRecord());
  }

  destroy(): void {
    this.end();
    this.#isDestroyed = true;
  }

  /** Whether there is something to write: a change, or a renewal that is due. */
  get isChanged(): boolean {
    return this.#isKept || this.ending !== null || this.#isDraftChanged;
  }

  /** Whether the session began in this visit. */
  get #isFresh(): boolean {
    return !this.#inherits || this.loaded.record === null;
  }

  get #isDraftChanged(): boolean {
    return this.#isFresh ? this.draft.isFilled : this.draft.isChanged;
  }

  /**
   * The record to write: this visit's changes over `base`, which is the record loaded or a newer one that another request
   * has stored since. Null when the session ended and none began.
   */
  result(base: SessionRecord | null): SessionRecord | null {
    const { record, draft } = this;
    if (!this.#isKept && !this.#isDraftChanged && this.#isFresh) return null;
    const ground = this.#inherits && base !== null ? this.#read(base) : record;
    const { data, flashes } = draft.layOver(ground);
    this.rules.checkData?.(data);
    const permanent = this.#isPermanenceSet ? record.permanent : ground.permanent;
    return { ...record, permanent, renewedAt: this.rules.now(), data, flashes };
  }

  save(): string[] | Promise<string[]> {
    return this.#stay.save(this);
  }

  #load(): Loaded {
    if (this.#isClosed) throw tooLate("first looked at");
    const found = this.#stay.load();
    const loaded = found.record === null ? found : { ...found, record: this.#read(found.record) };
    this.#loaded = loaded;
    emit("flagon:open", () => ({ id: loaded.record?.id ?? null, userId: loaded.record?.userId ?? null }));
    this.#begin(loaded.record === null ? this.#freshRecord() : { ...loaded.record });
    if (loaded.isTakenOver) this.rotate();
    return loaded;
  }

  /** The record with data as the user's schema has it; without a schema, or when it was read before, the record itself. */
  #read(record: SessionRecord): SessionRecord {
    const { readData } = this.rules;
    if (readData === null || record === this.#loaded?.record) return record;
    const data = readData(record.data);
    if (data === null) emit("flagon:reject", () => ({ reason: "schema" }));
    return { ...record, data: data ?? {} };
  }

  #begin(record: SessionRecord): void {
    this.#record = record;
    this.#draft = new Draft(record, this.rules.print);
  }

  #freshRecord(): SessionRecord {
    const now = this.rules.now();
    const data = this.rules.readData?.({}) ?? {};
    return {
      id: newId(),
      permanent: false,
      createdAt: now,
      authenticatedAt: null,
      renewedAt: now,
      userId: null,
      data,
      flashes: [],
    };
  }
}

function tooLate(act: string): TypeError {
  return new TypeError(`the session was ${act} after the response had started; do it before`);
}

/** The record without what the visitor stored: what a session that takes the place of an ended one begins with. */
export function emptied(record: SessionRecord): SessionRecord {
  return { ...record, data: {}, flashes: [] };
}

function newId(): string {
  return encodeBase64url(randomBytes(16));
}

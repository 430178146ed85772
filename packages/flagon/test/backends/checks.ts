import type { Session } from "flagon";
import type { Data } from "../browser.ts";
import { USER } from "./acts.ts";
import { type Asked, type Issued, keyOf, type World } from "./world.ts";

/** A cookie that opens a session. */
interface Opened extends Issued {
  readonly cookie: string;
  readonly session: Session<Data>;
}

/** What holds of a world after each step, and at its end. */
export class Checks {
  readonly #world: World;
  readonly #overs: Set<string> = new Set();
  /** Whose each session is, by its id, as it was last seen. */
  readonly #users: Map<string, string | null> = new Map();
  #opened: readonly Opened[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async look(): Promise<void> {
    const { issued } = this.#world;
    const opened: Opened[] = [];
    for (const [cookie, each] of issued) {
      const session = await this.#world.opened(cookie);
      if (session === null) {
        // What an error's answer has brought may open a session only when a late command takes effect.
        if (each.by?.state !== "failed") this.#overs.add(cookie);
        continue;
      }
      if (this.#overs.has(cookie)) this.#world.fail("a cookie that opened nothing opens a session again");
      opened.push({ ...each, cookie, session });
      this.#users.set(session.id, session.userId);
    }
    this.#opened = opened;
    this.#checkNumber();
    this.#checkGenerations();
    for (const asked of this.#answered) {
      this.#checkEnded(asked);
      this.#checkSaved(asked);
    }
  }

  get #answered(): Asked[] {
    return this.#world.asked.filter(({ state }) => state === "answered");
  }

  /** Of one session one comes for each user at most, and for nobody known one. */
  #checkNumber(): void {
    // A cookie from long before is nobody's, and what is stored with it begins another session.
    if (this.#world.hasBeenLong) return;
    const ids = new Map<string, string>();
    for (const { lineage, session } of this.#opened) {
      const asked = this.#world.asked.filter((each) => each.lineage === lineage);
      if (asked.length > 3 || asked.some(({ isLost, state }) => isLost || state === "failed")) continue;
      // Whoever signs out and stores something begins another session, whatever the other requests do.
      if (asked.some(({ act, cookie }) => act.ends === "own" && typeof cookie === "string")) continue;
      // So does who comes as the one who has just signed in, and signs in as somebody else.
      if (asked.some(({ act, sent }) => this.#isOfAnotherSignIn(sent, act.signsIn))) continue;
      const whose = `${lineage} ${session.userId}`;
      if ((ids.get(whose) ?? session.id) !== session.id) this.#world.fail("one user has two sessions from one");
      ids.set(whose, session.id);
    }
  }

  #isOfAnotherSignIn(cookie: string | null, user: string | undefined): boolean {
    const signedIn = this.#world.issued.get(cookie ?? "")?.by?.act.signsIn;
    return signedIn !== undefined && user !== undefined && signedIn !== user;
  }

  /** A cookie of an earlier generation opens nothing from the moment at which a newer one was sent. */
  #checkGenerations(): void {
    const latest = new Map<string, number>();
    for (const { named, by } of this.#world.issued.values()) {
      if (by !== null && (by.state !== "answered" || by.came?.generation === named.generation)) continue;
      latest.set(named.publicId, Math.max(latest.get(named.publicId) ?? 0, named.generation));
    }
    for (const { named } of this.#opened) {
      if (named.generation < (latest.get(named.publicId) ?? 0))
        this.#world.fail("a cookie from before opens a session");
    }
  }

  /** What was ended, and answered, is over. */
  #checkEnded(asked: Asked): void {
    const { act, came } = asked;
    const isLive = (id: string | undefined): boolean => this.#opened.some(({ session }) => session.id === id);
    const isOver = (act.ends !== "own" || !isLive(came?.publicId)) && (act.ends !== "first" || !isLive(asked.firstId));
    if (!isOver) this.#world.fail(`a session lives on after the answer to "${act.name}"`);
    if (act.ends !== "user" || asked.revokedAt === null) return;
    const { revokedAt } = asked;
    const signIns = this.#world.asked.filter(
      (each) => each.act.signsIn === USER && each.arrivedAt > revokedAt && each !== asked,
    );
    const mayLive = ({ named, session }: Opened): boolean =>
      session.userId !== USER ||
      this.#spares(asked, named.id) ||
      signIns.length > 0 ||
      this.#isFromUnanswered(session.id, revokedAt);
    if (!this.#opened.every(mayLive)) this.#world.fail(`a session lives on after the answer to "${act.name}"`);
  }

  /**
   * Whether its cookie is from a sign-in that was under way at that moment, or from a move, and got no answer to its write: it
   * looked for no mark.
   */
  #isFromUnanswered(id: string, moment: number): boolean {
    const { asked, issued, scenario } = this.#world;
    return asked.some(({ act, state, answeredAt, cookie }) => {
      const isMeant = scenario.place === "moving" || (act.signsIn === USER && answeredAt >= moment);
      if (!isMeant || state !== "failed" || typeof cookie !== "string") return false;
      return issued.get(cookie)?.named.publicId === id;
    });
  }

  /** Whether an end of the user's sessions leaves the one in this row alone. */
  #spares({ act, openedId, firstId }: Asked, row: string): boolean {
    if (act.spares === undefined) return false;
    return rowIdIn(act.spares === "first" ? firstId : openedId) === row;
  }

  /** What was stored, and answered, is there for as long as the row is. */
  #checkSaved(asked: Asked): void {
    const { place } = this.#world.scenario;
    if (asked.act.saves === undefined || place === "cookie" || place === "revocations") return;
    const row = rowIdIn(asked.handledId);
    for (const { named, session } of this.#opened) {
      if (named.id === row && !session.has(keyOf(asked))) this.#world.fail("what was saved is lost");
    }
  }

  /** What has to be true at the end when nothing failed but what was refused. */
  end(): void {
    const firstRows = this.#world.beginnings.map(({ id }) => rowIdIn(id));
    for (const { named, session } of this.#opened) {
      if (firstRows.includes(named.id) && !session.has("cart")) this.#world.fail("what the session held is lost");
    }
    for (const { named, by } of this.#world.issued.values()) {
      const isLive = this.#opened.some(({ session }) => session.id === named.publicId);
      if (!isLive && !this.#mayBeOver({ named, by })) this.#world.fail("a session is lost although nobody ended it");
    }
  }

  #mayBeOver({ named, by }: Omit<Issued, "lineage">): boolean {
    const { asked, issued, scenario } = this.#world;
    const { publicId: id, signInId } = named;
    const user = this.#users.get(id) ?? by?.act.signsIn ?? (scenario.start === "anonymous" ? null : USER);
    if (signInId === 0 && [...issued.values()].some((each) => each.named.id === named.id && each.named.signInId !== 0))
      return true;
    const isOver = (each: Asked): boolean => {
      const { act, came, state } = each;
      const isOwn = came?.publicId === id;
      // A refused sign-in ends the session that it signed in to, which may be one that began after this one.
      if (act.signsIn !== undefined && state === "failed") return true;
      if (isOwn && act.ends === "own") return true;
      // When another user signs in, the session of the one before ends.
      if (isOwn && act.signsIn !== undefined && signInId !== 0 && act.signsIn !== user) return true;
      if (act.ends === "first") return id === each.firstId;
      return act.ends === "user" && user === USER && !this.#spares(each, named.id);
    };
    return asked.some(isOver);
  }
}

/** The row's id, of which `session.id` holds the first sixteen bytes. */
export function rowIdIn(id: string): string {
  return Buffer.from(id, "base64url").subarray(0, 16).toString("base64url");
}

import { Connection, cookiesOf, requestOf } from "./connection.ts";
import { type Act, acts, type Contender } from "./contender.ts";

const VISITORS = 100;
const WARM_UP_ROUNDS = 50;
/** What Flagon's cookies have, with 512 bytes of session. */
export const SEALED_LENGTH = 786;
export const ID_LENGTH = 60;

/** One act of one contender, on a server and a connection of its own. */
export class Subject {
  readonly contender: Contender;
  readonly act: Act;
  /** Microseconds of processor time for a request, by round. */
  readonly samples: number[] = [];
  readonly #connection: Connection;
  readonly #requests: Buffer[] = [];
  #next = 0;

  constructor(contender: Contender, act: Act) {
    this.contender = contender;
    this.act = act;
    this.#connection = new Connection(contender.serve());
  }

  async fill(): Promise<void> {
    for (let i = 0; i < VISITORS; i++) {
      const cookie = cookiesOf(await this.#connection.ask(requestOf("/fill")));
      this.#requests.push(requestOf(`/${this.act}`, cookie));
    }
  }

  /** The time of all threads, so that what the collector and the thread pool do counts, and a busy machine does not. */
  async takeTurn(milliseconds: number): Promise<number> {
    const end = performance.now() + milliseconds;
    const before = process.cpuUsage();
    let count = 0;
    do {
      for (let i = 0; i < 10; i++) await this.#connection.ask(this.#nextRequest());
      count += 10;
    } while (performance.now() < end);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  }

  #nextRequest(): Buffer {
    this.#next = (this.#next + 1) % VISITORS;
    return this.#requests[this.#next] as Buffer;
  }
}

export function subjectsOf(contenders: readonly Contender[]): Subject[] {
  return acts.flatMap((act) =>
    contenders.filter((each) => each.acts.includes(act)).map((contender) => new Subject(contender, act)),
  );
}

/** Back and forth, so that nobody always comes after the same neighbour, whose garbage may be left. */
export async function measure(subjects: readonly Subject[], rounds: number, milliseconds: number): Promise<void> {
  for (const subject of subjects) await subject.fill();
  const order = [...subjects];
  for (let round = -Math.min(WARM_UP_ROUNDS, rounds); round < rounds; round++) {
    for (const subject of order) {
      const microseconds = await subject.takeTurn(milliseconds);
      if (round >= 0) subject.samples.push(microseconds);
      // Timers get their turn: Node's Date header hangs on one.
      await new Promise((done) => setImmediate(done));
    }
    order.reverse();
  }
}

export function find(subjects: readonly Subject[], contender: Contender | undefined, act: Act): Subject | undefined {
  return subjects.find((each) => each.contender === contender && each.act === act);
}

export function shares(mine: readonly number[], base: readonly number[]): number[] {
  return mine.map((each, round) => each / (base[round] ?? Number.NaN));
}

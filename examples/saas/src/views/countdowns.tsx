import type { FC } from "hono/jsx";
import type { Clock } from "../lib/clock.ts";
import { timeLeftText } from "../lib/words.ts";
import { Jug } from "./jug.tsx";

/** The session's two ends. app.js counts on from what is written here. */
export const Countdowns: FC<{ clock: Clock }> = ({ clock }) => (
  <section class="card clock" aria-label="How long the session lasts">
    <Jug level={(clock.idleEndsAt - clock.now) / clock.idleMs} isLive />
    <dl class="clock-times">
      <div>
        <dt>Time left if you do nothing</dt>
        <dd>
          <Countdown clock={clock} until={Math.min(clock.idleEndsAt, clock.endsAt)} kind="idle" />
        </dd>
        <dd class="clock-note">Using the app fills it up again.</dd>
      </div>
      <div>
        <dt>Time left at most</dt>
        <dd>
          <Countdown clock={clock} until={clock.endsAt} kind="limit" />
        </dd>
        <dd class="clock-note">Then you sign in again, whatever you do.</dd>
      </div>
    </dl>
  </section>
);

const Countdown: FC<{ clock: Clock; until: number; kind: "idle" | "limit" }> = ({ clock, until, kind }) => (
  <time class="countdown" role="timer" datetime={new Date(until).toISOString()} data-countdown={kind}>
    {timeLeftText(until - clock.now)}
  </time>
);

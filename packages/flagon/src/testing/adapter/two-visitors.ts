import { SessionError } from "../../errors.ts";
import { holds, same } from "../check.ts";
import type { Check } from "./cases.ts";
import { sessionCookies } from "./client.ts";
import { headerOf } from "./raw-http.ts";
import { allSteps, answeredSteps, largeStep, nestStep } from "./steps.ts";
import { Tour } from "./tour.ts";
import { type Step, TourVisitor } from "./visitor.ts";

/** Cases in which more than one visitor asks, and each answer is held against who asked for it. */
export const twoVisitors: Record<string, Check> = {
  "two visitors and a stranger in turns each get their own": (world) => inTurns(world, false, [largeStep]),
  "two visitors and a stranger in turns on one connection each get their own": (world) => inTurns(world, true),
  "two visitors and a stranger, pipelined on one connection, each get their own": async (world) => {
    const tour = new Tour(world, true);
    await tour.begin();
    await tour.goPipelined(answeredSteps);
    await tour.goPipelined([...answeredSteps].reverse());
    await tour.end();
  },
  "two visitors and a stranger at the same time each get their own": async (world) => {
    const tour = new Tour(world, false);
    await tour.begin();
    const steps = [...answeredSteps, nestStep, ...answeredSteps];
    const alone = async (visitor: TourVisitor | null): Promise<void> => {
      for (const step of steps) await tour.ask(visitor ?? new TourVisitor(null), step);
    };
    await Promise.all([alone(tour.ann), alone(tour.bob), alone(null)]);
    await tour.end();
  },
  "a visitor's slow request gets their own, whatever another visitor does meanwhile": async (world) => {
    const tour = new Tour(world, false);
    await tour.begin();
    const slow: Step = { path: "/slow", counts: true, body: ({ counted }) => `slow ${counted}` };
    const { ann, bob } = tour;
    for (const [visitor, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      const { slowBegun } = world.recorder;
      const reply = tour.send(visitor, slow);
      await Promise.race([slowBegun, reply.then(() => holds(false, "/slow was answered before it was to be"))]);
      for (const step of answeredSteps) await tour.ask(other, step);
      for (const step of answeredSteps) await tour.ask(new TourVisitor(null), step);
      world.recorder.finishSlow();
      tour.judge(visitor, slow, await reply);
      await tour.ask(visitor, tour.mine);
    }
    await tour.end();
  },
  "a visitor whose save takes long gets their own, whatever another visitor does meanwhile": async (world) => {
    const tour = new Tour(world, false);
    await tour.begin();
    const { ann, bob } = tour;
    for (const step of answeredSteps.filter(({ counts }) => counts)) {
      const { reached, open } = world.sessions.holdUp();
      const reply = tour.send(ann, step);
      await Promise.race([reached, reply.then(() => holds(false, `${step.path} was answered without a commit`))]);
      await tour.ask(bob, step);
      await tour.ask(new TourVisitor(null), step);
      open();
      tour.judge(ann, step, await reply);
    }
    await tour.end();
  },
  "what a request changed and could not save is in nobody's session": async (world) => {
    const tour = new Tour(world, false);
    await tour.begin();
    const { ann, bob } = tour;
    const steps = [nestStep, ...answeredSteps.filter(({ counts }) => counts)];
    for (const step of steps) {
      world.sessions.failWith(new SessionError("store_unavailable", "the store does not answer"));
      const reply = await tour.send(ann, step);
      world.sessions.failWith(null);
      world.witness.hold(ann, step.path, reply);
      same([reply.status, sessionCookies(reply)], [503, []], `status and session cookies of ${step.path}`);
      same(headerOf(reply, "location"), null, `Location of ${step.path}`);
      await tour.ask(bob, step);
      await tour.ask(ann, nestStep);
    }
    await tour.end();
  },
  "a plug-in that writes on whatever it can reach from a session writes on nobody else's": async (world) => {
    const tour = new Tour(world, false);
    await tour.begin();
    const { ann, bob } = tour;
    const hang: Step = { path: "/plug-in", body: () => "hung" };
    // Its own data is the visitor's to write on: a list in it has one more then.
    const hangOwn: Step = { ...hang, change: (visitor) => void visitor.items++ };
    const traces: Step = { path: "/plug-in/traces" };
    const untraced: Step = { ...traces, body: () => "traces: " };
    const ownData: Step = {
      ...traces,
      after: ({ name }, { body }) => {
        const elsewhere = body
          .slice("traces: ".length)
          .split(", ")
          .filter((each) => !each.startsWith("session.entries()"));
        same(elsewhere, [], `what was written on another session of ${name}, and shows`);
      },
    };
    await tour.ask(new TourVisitor(null), hang);
    for (const visitor of [ann, bob, new TourVisitor(null)]) await tour.ask(visitor, untraced);
    await tour.ask(ann, hangOwn);
    for (const visitor of [bob, new TourVisitor(null)]) await tour.ask(visitor, untraced);
    await tour.go(answeredSteps);
    await tour.ask(bob, hangOwn);
    await tour.ask(new TourVisitor(null), untraced);
    for (const visitor of [ann, bob]) await tour.ask(visitor, ownData);
    await tour.go([nestStep]);
    await tour.end();
  },
};

/** Every route, two visitors and strangers: what each variant of the app is tried with. */
export async function inTurns(
  world: Parameters<Check>[0],
  onOneConnection: boolean,
  more: readonly Step[] = [],
): Promise<void> {
  const tour = new Tour(world, onOneConnection);
  await tour.begin();
  await tour.go([...allSteps(world.recorder, world.answersErrors), ...more]);
  await tour.end();
}

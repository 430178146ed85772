import { largeChunks } from "./handlers.ts";
import type { RouteRecorder } from "./routes.ts";
import type { Step, TourVisitor } from "./visitor.ts";

const seen = ({ count, suffix }: TourVisitor): string => `saw ${count || "nothing"}${suffix}`;

/** Every route whose handler answers: text, redirects, streams, answers without a body. */
export const answeredSteps: readonly Step[] = [
  { path: "/count", counts: true, body: ({ counted }) => `counted ${counted}` },
  { path: "/plain", kind: "untouched", body: () => "plain" },
  { path: "/look/public", body: seen },
  { path: "/look/private", body: seen },
  { path: "/look", body: seen },
  { path: "/count/later", counts: true, body: ({ counted }) => `counted ${counted}` },
  { path: "/cookies", counts: true, body: () => "cookies" },
  { path: "/redirect", counts: true, status: null },
  { path: "/stream", counts: true, body: ({ counted }) => `one two three ${counted}` },
  { path: "/not-modified", counts: true, status: 304 },
  { path: "/no-content", counts: true, status: 204 },
  { path: "/gone", counts: true, status: 410, body: ({ counted }) => `gone ${counted}` },
];

export const nestStep: Step = {
  path: "/nest",
  change: (visitor) => void visitor.items++,
  body: ({ items, suffix }) => `nested ${items}${suffix}`,
};

/** Every route: `answeredSteps`, then what else changes a session, and the framework's own error pages. */
export function allSteps(recorder: RouteRecorder, answersErrors: boolean): Step[] {
  const fails = { kind: "failed" } as const;
  const elsewhere = { origin: "https://elsewhere.example" };
  const threw = (visitor: TourVisitor): void => {
    visitor.items += Number(answersErrors);
  };
  const posted = ({ counted }: TourVisitor): string => `posted ${counted} ${recorder.posts}`;
  return [
    ...answeredSteps,
    { path: "/late", counts: true, body: () => "begun, ended" },
    { path: "/post", method: "POST", counts: true, body: posted },
    { path: "/post", method: "POST", headers: elsewhere, status: 403, ...fails },
    { path: "/nowhere", status: 404, ...fails },
    nestStep,
    // What is changed inside a value before the handler throws goes the way of everything else that it changed.
    { path: "/throw", status: 500, ...fails, counts: answersErrors, change: threw },
    nestStep,
    { path: "/flash", counts: true, change: flash, body: () => "flashed" },
    {
      path: "/flashes",
      body: ({ messages }) => JSON.stringify(messages),
      after: (visitor) => visitor.messages.splice(0),
    },
    { path: "/rotate", counts: true, body: ({ counted }) => `rotated ${counted}` },
  ];
}

export const largeStep: Step = { path: "/large", counts: true, body: () => largeChunks.join("") };

function flash(visitor: TourVisitor): void {
  visitor.messages.push(`${visitor.member?.message ?? "for anybody"} ${visitor.count}`);
}

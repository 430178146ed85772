import type { FC } from "hono/jsx";

const paths = {
  jug: "M8.5 10.5h12.2l1.6 13.2a3.2 3.2 0 0 1-3.2 3.6H10.1a3.2 3.2 0 0 1-3.2-3.6zM8.5 10.5c.3-3.3 2.8-5 6.1-5s5.8 1.7 6.1 5M14.6 5.5V3.6M21.3 13.5h2a4 4 0 0 1 4 4v.8a4 4 0 0 1-4 4h-1.1M7.7 17h14.2",
  success: "M6 16.5l6.5 6.5L26 9.5",
  info: "M16 15v7.5M16 9.5v.1M16 3a13 13 0 1 1 0 26a13 13 0 0 1 0-26z",
  warning: "M16 12v7M16 23v.1M16 4.5l12.5 22h-25z",
  error: "M11.5 11.5l9 9M20.5 11.5l-9 9M16 3a13 13 0 1 1 0 26a13 13 0 0 1 0-26z",
  screen: "M4 6h24v16H4zM11 27h10M16 22v5",
  phone: "M10 3h12a2 2 0 0 1 2 2v22a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM15 25h2",
  arrow: "M6 16h20M18 8l8 8-8 8",
} as const;

export type IconName = keyof typeof paths;

/** Decoration only: what it means is always in words beside it. */
export const Icon: FC<{ name: IconName }> = ({ name }) => (
  <svg class={`icon icon-${name}`} viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);

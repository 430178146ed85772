import type { FC } from "hono/jsx";

/** The inside of the jug, from its brim to its floor, in the drawing's own units. */
const brim = 46;
const floor = 117;

/** A flagon that is as full as the session has time left; decoration, since the time stands beside it in words. */
export const Jug: FC<{ level: number; isLive?: boolean }> = ({ level, isLive = false }) => {
  const height = Math.max(0, Math.min(1, level)) * (floor - brim);
  return (
    <svg class="jug" viewBox="0 0 128 132" width="128" height="132" aria-hidden="true">
      <clipPath id="jug-inside">
        <path d="M32.5 46h51l6.5 65a6 6 0 0 1-6 6.5H32a6 6 0 0 1-6-6.5z" />
      </clipPath>
      <g clip-path="url(#jug-inside)">
        <rect
          class="jug-ale"
          x="20"
          y={floor - height}
          width="80"
          height={height + 2}
          {...(isLive && { "data-jug": floor - brim })}
        />
      </g>
      <path
        class="jug-lines"
        d="M28 40h60l8 72a11 11 0 0 1-11 12H31a11 11 0 0 1-11-12zM28 40c2-17 13-25 30-25s28 8 30 25M58 15v-3M91 56h8a18 18 0 0 1 18 18v6a18 18 0 0 1-18 18h-4"
      />
      <circle class="jug-knob" cx="58" cy="8.5" r="4.5" />
    </svg>
  );
};

import { expect, test } from "vitest";
import { agoText, durationText, timeLeftText, waitText } from "../src/lib/words.ts";

test.each([
  [1_800, "30 minutes"],
  [60, "1 minute"],
  [3_900, "1 hour 5 minutes"],
  [31 * 86_400, "31 days"],
  [90_061, "1 day 1 hour"],
  [3_605, "1 hour 5 seconds"],
  [3, "3 seconds"],
  [0, "0 seconds"],
  [-5, "0 seconds"],
])("%d seconds are said as %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [1_800_000, "30 min 0 s"],
  [1_799_001, "30 min 0 s"],
  [59_000, "59 s"],
  [0, "0 s"],
  [-1_000, "0 s"],
  [12 * 3_600_000, "12 h 0 min"],
  [31 * 86_400_000 - 1_000, "30 d 23 h"],
])("%d milliseconds left are written as %s", (milliseconds, text) => {
  expect(timeLeftText(milliseconds)).toBe(text);
});

test.each([
  [1, "a minute"],
  [59, "a minute"],
  [60, "1 minute"],
  [61, "2 minutes"],
  [900, "15 minutes"],
])("a wait of %d seconds is said as %s, never as less than it is", (seconds, text) => {
  expect(waitText(seconds)).toBe(text);
});

test.each([
  [0, "just now"],
  [44_999, "just now"],
  [50_000, "1 minute ago"],
  [3_700_000, "1 hour ago"],
  [2 * 86_400_000, "2 days ago"],
])("%d milliseconds ago is said as %s", (milliseconds, text) => {
  expect(agoText(milliseconds)).toBe(text);
});

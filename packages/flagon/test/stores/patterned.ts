/** Bytes that a torn or mixed-up write would show: length and content come from `seed`, across several pages. */
export function patterned(seed: number): Uint8Array {
  return new Uint8Array(3_000 + ((seed * 7_919) % 20_000)).map((_, index) => (seed * 31 + index * 7) & 255);
}

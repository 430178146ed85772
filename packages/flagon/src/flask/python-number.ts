/**
 * The number as Python's `json.dumps` writes it: whole numbers up to 2^53 as `int`, all others as `float` in Python's
 * shortest text (`1e+16`, `1e-05`, `9007199254740992.0`), also `NaN` and `Infinity`, which JSON proper has no words for.
 */
export function writeNumber(value: number): string {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
  if (!Number.isFinite(value)) return String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(Object.is(value, -0) ? "-0e+0" : value.toExponential());
  if (match === null) throw new TypeError(`${value} has no text`);
  const [, sign, first, rest = "", power] = match;
  return `${sign}${placePoint(`${first}${rest}`, Number(power))}`;
}

/** Python's float text: a plain decimal for powers of ten from -4 to 15, else an exponent of two digits or more. */
function placePoint(digits: string, power: number): string {
  if (power < -4 || power > 15) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  if (power < 0) return `0.${"0".repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, "0");
  return `${whole}.${digits.slice(power + 1) || "0"}`;
}

/** Python reads and writes no longer integers (`sys.get_int_max_str_digits`). */
export const INT_DIGITS_MAX = 4_300;

/**
 * The value of a number in Python's JSON: whole numbers past 2^53 are `bigint`, exact. Null for an integer longer than
 * Python reads.
 */
export function readNumber(text: string): number | bigint | null {
  if (/[.eENI]/.test(text)) return Number(text);
  const value = Number(text);
  // Python's int has no minus zero.
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return text.length - (text.startsWith("-") ? 1 : 0) > INT_DIGITS_MAX ? null : BigInt(text);
}

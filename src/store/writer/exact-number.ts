/**
 * Numbers on their way into SQLite by JSON. SQLite does not read every decimal text as the nearest double (one in some
 * ten thousand of 17 digits is off by its last bit), and a score that comes back another is no longer a duplicate of
 * itself. So a number travels as an integer and two powers of two, which are exact.
 */

const bits = new DataView(new ArrayBuffer(8));

/** Largest exponent of a left shift in SQLite's 64-bit integers that stays positive. */
const SHIFT_MAX = 62;

/**
 * `[integer, k1, k2]` with value = integer / 2^k1 / 2^k2 exactly, k1 and k2 in [0, 62]; null for the few that have none:
 * beyond 2^53, or with digits below 2^-124.
 *
 * @example
 * exactParts(0.75); // [6755399441055744, 53, 0]
 * exactParts(3); // [3, 0, 0]
 */
export function exactParts(value: number): readonly [number, number, number] | null {
  if (Number.isSafeInteger(value)) return [value, 0, 0];
  if (!Number.isFinite(value)) return null;
  bits.setFloat64(0, value);
  const k = 1075 - ((bits.getUint16(0) >>> 4) & 0x7ff);
  if (k <= 0 || k > 2 * SHIFT_MAX) return null;
  const k1 = Math.min(k, SHIFT_MAX);
  // Products with powers of two are exact: the result is the mantissa, an integer below 2^53.
  return [value * 2 ** k1 * 2 ** (k - k1), k1, k - k1];
}

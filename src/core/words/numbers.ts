/**
 * Numbers as people read them, the same at the terminal, on pages and in reports.
 */

/** A fraction as a percentage: `percent(0.1234, 1)` is "12.3 %". */
export function percent(fraction: number, digits = 1): string {
  return Number.isFinite(fraction) ? `${fixed(fraction * 100, digits)} %` : "-";
}

/** A difference of two fractions in percentage points: `signedPoints(0.081)` is "+8.1 points". */
export function signedPoints(difference: number, digits = 1): string {
  if (!Number.isFinite(difference)) return "-";
  const points = fixed(difference * 100, digits);
  return `${Number(points) > 0 ? "+" : ""}${points} points`;
}

/** A probability to three digits that is 0.000 or 1.000 only if it is exactly that: "> 0.999", "< 0.001". */
export function probability(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value > 0.999 && value < 1) return "> 0.999";
  if (value > 0 && value < 0.001) return "< 0.001";
  return fixed(value, 3);
}

/**
 * Evidence as how many times more likely: "0.45x", "20.3x", "1.2e6x".
 *
 * @param logE natural logarithm of the evidence, of any size.
 */
export function evidence(logE: number): string {
  if (Number.isNaN(logE)) return "-";
  if (!Number.isFinite(logE)) return logE > 0 ? "∞x" : "0x";
  const times = Math.exp(logE);
  if (times >= 0.01 && times < 0.995) return `${times.toFixed(2)}x`;
  if (times >= 0.01 && times < 999.95) return `${times.toFixed(1)}x`;
  if (times >= 0.01 && times < 99_999.5) return `${count(times)}x`;
  // By its logarithm, since the number itself may be too large or too small to be one.
  const exponent = Math.floor(logE / Math.LN10);
  const mantissa = (10 ** (logE / Math.LN10 - exponent)).toFixed(1);
  return mantissa === "10.0" ? `1.0e${exponent + 1}x` : `${mantissa}e${exponent}x`;
}

const MS_BY_UNIT = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1000 } as const;

/** A length of time by its two leading units: "340 ms", "1.2 s", "3 min 20 s", "2 d 4 h". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  if (ms < 3_599_500) return twoUnits(ms, "min", "s");
  return ms < 86_370_000 ? twoUnits(ms, "h", "min") : twoUnits(ms, "d", "h");
}

function twoUnits(ms: number, large: keyof typeof MS_BY_UNIT, small: keyof typeof MS_BY_UNIT): string {
  const perLarge = MS_BY_UNIT[large] / MS_BY_UNIT[small];
  const total = Math.round(ms / MS_BY_UNIT[small]);
  const rest = total % perLarge;
  return `${count(Math.floor(total / perLarge))} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

/** How long ago something was, by the time since then: "just now", "5 minutes ago", "3 months ago". */
export function timeAgo(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  const { d, h, min, s } = MS_BY_UNIT;
  const units = { year: 365 * d, month: 30 * d, day: d, hour: h, minute: min };
  if (ms < 5 * s) return "just now";
  const [unit, unitMs] = Object.entries(units).find(([, size]) => ms >= size) ?? ["second", s];
  return `${plural(Math.floor(ms / unitMs), unit)} ago`;
}

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number in groups of three: `count(12345)` is "12,345". */
export function count(value: number): string {
  return Number.isFinite(value) ? GROUPED.format(value) : "-";
}

/** A number with its noun: `plural(1, "session")` is "1 session", `plural(2, "session")` "2 sessions". */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

// A small negative number must not round to "-0.0".
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}

/**
 * Numbers in the sentences that are made beside a rule.
 */

/** Never rounds a probability to certainty. */
export function probability(value: number): string {
  if (value > 0.999) return "above 0.999";
  if (value < 0.001) return "below 0.001";
  return value.toFixed(3);
}

/** An e-value as a multiple: how many times over the data have multiplied a stake against "no difference". */
export function multiple(logE: number): string {
  const value = Math.exp(logE);
  if (value >= 1e6) return "over a million times";
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} times`;
}

/** How many times over a stake has to be multiplied, from the log of it. */
export function needed(logLine: number): string {
  return `${Number(Math.exp(logLine).toPrecision(3))} times`;
}

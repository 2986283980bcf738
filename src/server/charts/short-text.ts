/**
 * Numbers of axes, where room is short and the unit stands beside the axis.
 */

/** A difference of rates in points, with its sign: "+5", "-2.5", "0". */
export function shortPoints(difference: number): string {
  const points = Number((100 * difference).toFixed(1));
  return `${points > 0 ? "+" : ""}${points === 0 ? 0 : points}`;
}

/**
 * What of a breakdown outlives the sessions it was made of.
 */
import type { Breakdown } from "../../core/decision/breakdown.js";

/** A value of fewer units may be a person's name or address. */
const UNITS_MIN = 10;

/**
 * The breakdown without values of fewer than ten units: those are counted with the others, and an attribute that has no
 * other values is left out.
 */
export function keptBreakdown(breakdown: readonly Breakdown[]): Breakdown[] {
  return breakdown.flatMap((each): Breakdown[] => {
    const sized = each.values.map((value) => ({
      value,
      units: value.arms.reduce((sum, { count }) => sum + count, 0),
    }));
    const large = sized.filter(({ units }) => units >= UNITS_MIN);
    const small = sized.filter(({ units }) => units < UNITS_MIN);
    if (large.length === 0) return [];
    const otherCount = each.otherCount + small.reduce((sum, { units }) => sum + units, 0);
    return [{ ...each, values: large.map(({ value }) => value), otherCount }];
  });
}

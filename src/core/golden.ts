/**
 * The statistics by name, for running tables of reference values against the package from outside.
 */
import { betaCdf, betaHdi, betaInterval, betaPdf, betaQuantile, betaSf } from "./beta.js";
import { expectedLoss, probGreater } from "./beta-compare.js";
import { diffInterval, probGreaterBy } from "./beta-difference.js";
import { eProcess, predictivePromotion } from "./e-process.js";
import { DethroneError } from "./errors.js";
import { normalCdf, normalQuantile } from "./normal.js";
import { srmChiSquare, srmSequentialLogE } from "./srm.js";

const FUNCTIONS = {
  betaPdf,
  betaCdf,
  betaSf,
  betaQuantile,
  betaInterval,
  betaHdi,
  probGreater,
  probGreaterBy,
  expectedLoss,
  diffInterval,
  normalCdf,
  normalQuantile,
  eProcess,
  predictivePromotion,
  srmChiSquare,
  srmSequentialLogE,
};

/** Names {@link golden} knows. */
type GoldenName = keyof typeof FUNCTIONS;

/**
 * The value of a function by its name: a number, or an array in the documented order.
 *
 * @throws DethroneError `input_invalid` for a name that is none; whatever the function throws
 * @example
 * golden("betaCdf", { a: 0.5, b: 0.5, x: 0.5 }); // 0.5
 */
export function golden(name: string, input: object): number | readonly number[] {
  if (!Object.hasOwn(FUNCTIONS, name)) {
    throw new DethroneError("input_invalid", `There is no function '${name}'.`, {
      received: name,
      allowed: Object.keys(FUNCTIONS),
    });
  }
  return FUNCTIONS[name as GoldenName](input as never);
}

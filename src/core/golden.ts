/**
 * The numeric functions by name, so that a table of reference values can be run against the package.
 */

import { DethroneError, received } from "./errors.js";
import { betaCdf, betaHdi, betaInterval, betaPdf, betaQuantile, betaSf } from "./numeric/beta.js";
import { expectedLoss, probGreater } from "./numeric/beta-compare.js";
import { diffInterval, probGreaterBy } from "./numeric/beta-difference.js";
import { liftInterval, probRatioGreater } from "./numeric/beta-ratio.js";
import { gammaExpectedLoss, gammaProbGreater, gammaQuantile, gammaRatioInterval } from "./numeric/gamma.js";
import { lognormalMeanProbGreater } from "./numeric/lognormal-mean.js";
import { normalCdf, normalQuantile } from "./numeric/normal.js";
import {
  nigDiffInterval,
  nigExpectedLoss,
  nigPosterior,
  nigProbGreater,
} from "./numeric/normal-inverse-gamma.js";
import { studentTCdf } from "./numeric/student-t.js";
import { confidenceSequence } from "./sequential/confidence-sequence.js";
import { eProcess } from "./sequential/e-process.js";
import { predictivePromotion } from "./sequential/promotion-chance.js";
import { srmChiSquare, srmSequentialLogE } from "./sequential/srm.js";

// Each function checks the fields of its one argument itself, so that any object may be handed on.
type AnyFunction = (input: never) => number | readonly number[];

const FUNCTIONS: ReadonlyMap<string, AnyFunction> = new Map<string, AnyFunction>([
  ["betaPdf", betaPdf],
  ["betaCdf", betaCdf],
  ["betaSf", betaSf],
  ["betaQuantile", betaQuantile],
  ["betaInterval", betaInterval],
  ["betaHdi", betaHdi],
  ["probGreater", probGreater],
  ["probGreaterBy", probGreaterBy],
  ["expectedLoss", expectedLoss],
  ["diffInterval", diffInterval],
  ["probRatioGreater", probRatioGreater],
  ["liftInterval", liftInterval],
  ["gammaProbGreater", gammaProbGreater],
  ["gammaExpectedLoss", gammaExpectedLoss],
  ["gammaQuantile", gammaQuantile],
  ["gammaRatioInterval", gammaRatioInterval],
  ["studentTCdf", studentTCdf],
  ["nigPosterior", nigPosterior],
  ["nigProbGreater", nigProbGreater],
  ["nigExpectedLoss", nigExpectedLoss],
  ["nigDiffInterval", nigDiffInterval],
  ["lognormalMeanProbGreater", lognormalMeanProbGreater],
  ["normalCdf", normalCdf],
  ["normalQuantile", normalQuantile],
  ["eProcess", eProcess],
  ["confidenceSequence", confidenceSequence],
  ["predictivePromotion", predictivePromotion],
  ["srmChiSquare", srmChiSquare],
  ["srmSequentialLogE", srmSequentialLogE],
]);

/** Names that {@link golden} knows. */
export const GOLDEN_FUNCTIONS: readonly string[] = [...FUNCTIONS.keys()];

/**
 * The value of a numeric function, called by its name with its one argument.
 *
 * @param fn name of the function
 * @param input its argument, as an object of named fields
 * @returns a number, or an array in the order the function documents
 * @throws DethroneError `input_invalid` if no function has this name or the input is not an object; `numeric_domain` if a
 *   field is outside its range.
 *
 * @example
 * golden("betaCdf", { a: 2, b: 3, x: 0.25 }); // 0.26171875
 */
export function golden(fn: string, input: object): number | readonly number[] {
  const found = FUNCTIONS.get(fn);
  if (found === undefined) {
    throw new DethroneError("input_invalid", `No numeric function is called '${fn}'.`, {
      received: received(fn),
      allowed: GOLDEN_FUNCTIONS,
    });
  }
  if (typeof input !== "object" || input === null) {
    throw new DethroneError("input_invalid", `The input of ${fn} must be an object of named fields.`, {
      received: received(input),
    });
  }
  return found(input as never);
}

/**
 * Sample ratio mismatch: do the arms get sessions in the shares they should?
 */
import { DethroneError, domainError, received } from "./errors.js";
import { deviance, gammaQ, stirlingError } from "./special.js";

function checkCounts(counts: readonly number[], shares: readonly number[]): void {
  if (counts.length < 2 || counts.length !== shares.length) {
    throw new DethroneError("numeric_domain", "counts and shares must have the same length, at least 2.", {
      received: { counts: received(counts), shares: received(shares) },
    });
  }
  for (const count of counts) {
    if (!(Number.isInteger(count) && count >= 0 && count <= 1e12))
      domainError("counts", count, "whole numbers in [0, 1e12]");
  }
  for (const share of shares)
    if (!(share > 0 && share <= 1e12)) domainError("shares", share, "weights in (0, 1e12]");
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/**
 * Chi-square test of counts against shares, for display: valid at one look only.
 *
 * @param counts whole numbers >= 0, one an arm, not all 0
 * @param shares relative weights > 0
 * @returns statistic and p-value, relative accuracy 1e-10
 * @throws DethroneError `numeric_domain`
 * @example
 * srmChiSquare({ counts: [1800, 260], shares: [0.9, 0.1] }); // [15.728155339805822, 7.312753584532938e-5]
 */
export function srmChiSquare(input: {
  readonly counts: readonly number[];
  readonly shares: readonly number[];
}): readonly [number, number] {
  const { counts, shares } = input;
  checkCounts(counts, shares);
  const total = sumOf(counts);
  if (total === 0) domainError("counts", 0, "not all 0");
  const weight = sumOf(shares);
  const statistic = sumOf(
    counts.map((count, arm) => {
      const expected = (total * (shares[arm] as number)) / weight;
      return (count - expected) ** 2 / expected;
    }),
  );
  return [statistic, gammaQ((counts.length - 1) / 2, statistic / 2)];
}

/**
 * Natural log of the e-value of counts against shares: valid at any number of looks.
 *
 * E = Gamma(C)/Gamma(C+n) prod_j Gamma(C q_j + n_j)/Gamma(C q_j) q_j^-n_j: the multinomial with a Dirichlet prior
 * around the shares against the multinomial with the shares. Reject at E >= 1/alpha.
 *
 * @param concentration weight C of the prior, in sessions, in (0, 1e12]
 * @returns ln E; absolute accuracy 1e-10 max(1, |ln E|) for counts to 1e7
 * @throws DethroneError `numeric_domain`
 *
 * Method: the log-gammas are written as deviances and Stirling errors, whose large parts cancel by algebra.
 * Source: Lindon and Malek 2022, "Anytime-valid inference for multinomial count data".
 * @example
 * srmSequentialLogE({ counts: [1800, 260], shares: [0.9, 0.1], concentration: 100 }); // 5.363859391566266
 */
export function srmSequentialLogE(input: {
  readonly counts: readonly number[];
  readonly shares: readonly number[];
  readonly concentration: number;
}): number {
  const { counts, shares, concentration } = input;
  checkCounts(counts, shares);
  if (!(concentration > 0 && concentration <= 1e12))
    domainError("concentration", concentration, "a number in (0, 1e12]");
  const weight = sumOf(shares);
  const total = concentration + sumOf(counts);
  let logE = 0.5 * Math.log(total / concentration) - stirlingError(total) + stirlingError(concentration);
  for (const [arm, count] of counts.entries()) {
    const share = (shares[arm] as number) / weight;
    const prior = concentration * share;
    const after = prior + count;
    logE +=
      deviance(after, total * share) -
      0.5 * Math.log(after / prior) +
      stirlingError(after) -
      stirlingError(prior);
  }
  return logE;
}

/**
 * Sample-ratio mismatch: do units reach the arms in the shares they should?
 */
import { checkInteger, checkLists, checkPositive } from "../check.js";
import { domainError } from "../errors.js";
import { determinant, deviance, gammaUpper, stirlingError } from "../numeric/special.js";

/** How many units each arm has, and the shares they were to get. */
export interface ArmCounts {
  /** integers, 0 or more; two arms or more */
  readonly counts: readonly number[];
  /** relative weights above 0, one for each arm; [1, 1, 1] is a third each */
  readonly shares: readonly number[];
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Checks the input and returns its two totals. */
function totalsOf({ counts, shares }: ArmCounts): { readonly units: number; readonly weight: number } {
  checkLists({ counts, shares });
  if (counts.length < 2) domainError("counts", counts.length, "a list of two arms or more");
  for (const count of counts) checkInteger("counts", count, 0);
  for (const share of shares) checkPositive("shares", share);
  return { units: sumOf(counts), weight: sumOf(shares) };
}

/**
 * Pearson's chi-square test of the sample ratio, for one look at a fixed time.
 *
 * statistic = sum of (count - expected)^2 / expected, on (arms - 1) degrees of freedom.
 *
 * @param input counts (integers, 0 or more) and shares (weights above 0), two arms or more
 * @returns [statistic, p-value]; [0, 1] where nothing was counted. Relative error below 1e-12, also for p = 1e-300.
 * @throws DethroneError `numeric_domain` if a count or share is outside its range or the lists differ in length.
 *
 * Method: p = Q((arms - 1)/2, statistic/2), the regularised upper incomplete gamma function.
 * Source: NIST DLMF 8.2.4.
 *
 * @example
 * srmChiSquare({ counts: [1800, 260], shares: [0.9, 0.1] }); // [15.7281553398, 0.0000731275358453]
 */
export function srmChiSquare(input: ArmCounts): readonly [number, number] {
  const { units, weight } = totalsOf(input);
  if (units === 0) return [0, 1];
  const terms = input.shares.map((share, arm) => {
    // (count weight - units share)/weight: the products nearly agree, and their difference is what counts.
    const deviation = determinant([input.counts[arm] as number, units], [share, weight]) / weight;
    return (deviation * deviation) / ((units * share) / weight);
  });
  const statistic = sumOf(terms);
  return [statistic, gammaUpper((input.shares.length - 1) / 2, statistic / 2)];
}

/**
 * Natural log of the e-value against "units reach the arms in these shares", valid at any number of looks.
 *
 * ln E = ln Gamma(C) - ln Gamma(C + n) + sum over arms of [ln Gamma(C q + count) - ln Gamma(C q) - count ln q], with
 * shares q, n = sum of the counts and concentration C. Under the hypothesis P(sup over time of E >= 1/alpha) <= alpha.
 *
 * @param input counts and shares as for {@link srmChiSquare}; concentration C in (0, inf), 100 suits thousands of units
 * @returns any number; error below 1e-11 of max(1, |ln E|) for counts up to 1e7.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: with a = C q + count and N = C + n the log-gammas cancel on paper to sum of bd0(a, N q) - ln(a/(C q))/2 +
 * delta(a) - delta(C q), plus ln(N/C)/2 - delta(N) + delta(C).
 * Source: M. Lindon, A. Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022.
 *
 * @example
 * srmSequentialLogE({ counts: [1800, 260], shares: [0.9, 0.1], concentration: 100 }); // 5.363859391566
 */
export function srmSequentialLogE(input: ArmCounts & { readonly concentration: number }): number {
  const { units, weight } = totalsOf(input);
  const { counts, shares, concentration } = input;
  checkPositive("concentration", concentration);
  const total = concentration + units;
  const terms = shares.map((share, arm) => {
    const prior = (concentration * share) / weight;
    const posterior = prior + (counts[arm] as number);
    const evidence = deviance(posterior, (total * share) / weight) - Math.log(posterior / prior) / 2;
    return evidence + stirlingError(posterior) - stirlingError(prior);
  });
  return (
    sumOf(terms) + Math.log(total / concentration) / 2 - stirlingError(total) + stirlingError(concentration)
  );
}

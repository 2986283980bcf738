/**
 * What the metrics beside the score say: per arm the typical value, percentiles and an interval; between the arms the
 * chance that the challenger is the better one, and by how much.
 *
 * Rates are Beta, counts Gamma (widened where they scatter more than Poisson counts do), positive heavy-tailed values
 * log-normal, other numbers normal with unknown variance. None of these decides: guardrails do, which assume no shape.
 */
import { betaInterval, betaQuantile, type Interval } from "../numeric/beta.js";
import { probGreater } from "../numeric/beta-compare.js";
import { diffInterval } from "../numeric/beta-difference.js";
import { gammaProbGreater, gammaQuantile, gammaRatioInterval } from "../numeric/gamma.js";
import { nigDiffInterval, nigPosterior, nigProbGreater } from "../numeric/normal-inverse-gamma.js";
import type { MetricKind } from "../sequential/guardrail.js";
import { quantileOf } from "../sequential/sketch.js";
import { EMPTY_METRIC, type MetricSummary } from "../sessions/metric.js";
import type { Steps } from "../steps.js";
import type { ArmSummary } from "./evidence.js";
import { metricPolicy, type Policy } from "./policy.js";

/** One arm's numbers of a metric. */
export interface MetricArm {
  /** units that have a value */
  readonly sessionCount: number;
  /** mean of the values */
  readonly mean: number;
  /** posterior: the rate, the mean, or the geometric mean of positive values */
  readonly typical: number;
  /** equal-tailed 95 % interval of `typical` */
  readonly interval: Interval;
  /** percentiles of the values, within 0.8 % */
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

/** What a success costs: sum of the values over sum of the scores. */
export interface PerSuccess {
  readonly champion: number;
  readonly challenger: number;
  /** challenger over champion, less 1, and its approximate 95 % interval (delta method on the logarithm) */
  readonly change: number;
  readonly changeInterval: Interval;
}

/** A metric of two arms. */
export interface MetricEvaluation {
  readonly kind: MetricKind;
  readonly direction: "lower" | "higher";
  /** null without any value */
  readonly champion: MetricArm | null;
  readonly challenger: MetricArm | null;
  /** P(the challenger's typical value is the better one); null unless both arms have two values */
  readonly probabilityBetter: number | null;
  /** whether `change` is challenger over champion less 1, or challenger minus champion */
  readonly scale: "ratio" | "difference";
  readonly change: number | null;
  /** equal-tailed 95 % interval of `change` */
  readonly changeInterval: Interval | null;
  /** for kinds that are sums; null while an arm has no success */
  readonly perSuccess: PerSuccess | null;
}

const LEVEL = 0.95;
const TAIL = (1 - LEVEL) / 2;

/** What a kind of metric makes of a pair of summaries. */
interface Model {
  /** typical value and interval of one arm */
  readonly arm: (summary: MetricSummary) => { typical: number; interval: Interval };
  /** P(challenger's typical value > champion's) */
  readonly probabilityGreater: number;
  readonly change: number;
  readonly changeInterval: Interval;
}

const clampCount = ({ count, mean }: MetricSummary["values"]): number =>
  Math.min(count, Math.max(0, count * mean));

function binaryModel(champion: MetricSummary, challenger: MetricSummary): Model {
  const beta = ({ values }: MetricSummary) => ({
    a: 1 + clampCount(values),
    b: 1 + values.count - clampCount(values),
  });
  const [y, x] = [beta(champion), beta(challenger)];
  const pair = { aX: x.a, bX: x.b, aY: y.a, bY: y.b };
  return {
    arm: (summary) => {
      const { a, b } = beta(summary);
      return { typical: a / (a + b), interval: betaInterval({ a, b, level: LEVEL }) };
    },
    probabilityGreater: probGreater(pair),
    change: x.a / (x.a + x.b) - y.a / (y.a + y.b),
    changeInterval: diffInterval({ ...pair, level: LEVEL }),
  };
}

const COUNT_PRIOR = { shape: 0.5, rate: 1e-6 };

/** Sum of counts; no count is below 0. */
const sumOf = ({ count, mean }: MetricSummary["values"]): number => Math.max(0, count * mean);

/** Largest sum of counts that is told as it is: the Gamma functions take shapes of up to 1e12. */
const COUNT_SUM_MAX = 1e11;

/** Widest that counts are told, so that a rate stays above 0 however far negative values, which no count has, scatter. */
const DISPERSION_MAX = 1e150;

/**
 * Variance over mean of the counts, 1 or more: how much wider than Poisson's the posterior has to be. Sums that no Gamma
 * function takes are widened until one does, to a relative error of 3e-6.
 */
function dispersion(summaries: readonly MetricSummary[]): number {
  let squares = 0;
  let sum = 0;
  let freedom = 0;
  for (const { values } of summaries) {
    squares += values.squares;
    sum += sumOf(values);
    freedom += values.count - 1;
  }
  const count = freedom + summaries.length;
  const least = Math.max(1, sum / COUNT_SUM_MAX);
  const measured = sum > 0 && freedom > 0 ? squares / freedom / (sum / count) : 1;
  return Math.min(DISPERSION_MAX, Math.max(least, measured));
}

function countModel(champion: MetricSummary, challenger: MetricSummary): Model {
  const scale = dispersion([champion, challenger]);
  const gamma = ({ values }: MetricSummary) => ({
    a: COUNT_PRIOR.shape + sumOf(values) / scale,
    // The prior's rate is as much wider: beside the counts of bytes it would outweigh the data.
    r: (COUNT_PRIOR.rate + values.count) / scale,
  });
  const [y, x] = [gamma(champion), gamma(challenger)];
  const pair = { aX: x.a, rX: x.r, aY: y.a, rY: y.r };
  return {
    arm: (summary) => {
      const { a, r } = gamma(summary);
      return {
        typical: a / r,
        interval: [gammaQuantile({ a, r, p: TAIL }), gammaQuantile({ a, r, p: 1 - TAIL })],
      };
    },
    probabilityGreater: gammaProbGreater(pair),
    change: x.a / x.r / (y.a / y.r) - 1,
    changeInterval: gammaRatioInterval({ ...pair, level: LEVEL }),
  };
}

type Moments = MetricSummary["values"];

/** m, k, a, b of a normal-inverse-gamma distribution. */
type NormalInverseGamma = readonly [number, number, number, number];

/** A prior worth a hundredth of an observation, centred on both arms together and as wide as they scatter. */
function normalPrior(left: Moments, right: Moments): NormalInverseGamma {
  const count = left.count + right.count;
  const mean = (left.count * left.mean + right.count * right.mean) / count;
  const between = left.count * (left.mean - mean) ** 2 + right.count * (right.mean - mean) ** 2;
  const variance = (left.squares + right.squares + between) / count;
  return [mean, 0.01, 1, Math.max(variance, 1e-12 * (1 + mean * mean))];
}

/** Quantile of Student's t at 1 - TAIL: t^2/(nu + t^2) is a Beta variable. */
function studentEnd(nu: number): number {
  const rest = betaQuantile({ a: nu / 2, b: 0.5, p: 2 * TAIL });
  return Math.sqrt((nu * (1 - rest)) / rest);
}

function normalInterval([m, k, a, b]: NormalInverseGamma): Interval {
  const half = studentEnd(2 * a) * Math.sqrt(b / (a * k));
  return [m - half, m + half];
}

/** Normal model of the values, or of their logarithms: then everything is told as ratios of geometric means. */
function normalModel(champion: MetricSummary, challenger: MetricSummary, isLog: boolean): Model {
  const moments = (summary: MetricSummary): Moments => (isLog ? summary.logs : summary.values);
  const prior = normalPrior(moments(champion), moments(challenger));
  const posterior = (summary: MetricSummary): NormalInverseGamma => {
    const { count, mean, squares } = moments(summary);
    return nigPosterior({ prior, n: count, mean, ss: squares });
  };
  const [Y, X] = [posterior(champion), posterior(challenger)];
  const told = isLog ? Math.exp : (value: number): number => value;
  const changeOf = isLog ? Math.expm1 : (value: number): number => value;
  const [low, high] = nigDiffInterval({ X, Y, level: LEVEL });
  return {
    arm: (summary) => {
      const believed = posterior(summary);
      const [from, to] = normalInterval(believed);
      return { typical: told(believed[0]), interval: [told(from), told(to)] };
    },
    probabilityGreater: nigProbGreater({ X, Y, shift: 0 }),
    change: changeOf(X[0] - Y[0]),
    changeInterval: [changeOf(low), changeOf(high)],
  };
}

const isAllPositive = ({ values, logs }: MetricSummary): boolean => values.count === logs.count;

/** The kind a metric is evaluated as: values at or below 0 have no logarithm. */
function kindOf(declared: MetricKind | "auto", left: MetricSummary, right: MetricSummary): MetricKind {
  if (declared !== "auto" && declared !== "positive") return declared;
  return isAllPositive(left) && isAllPositive(right) ? "positive" : "real";
}

function modelOf(kind: MetricKind, champion: MetricSummary, challenger: MetricSummary): Model {
  if (kind === "binary") return binaryModel(champion, challenger);
  if (kind === "count") return countModel(champion, challenger);
  return normalModel(champion, challenger, kind === "positive");
}

function evaluateArm(summary: MetricSummary, model: Model): MetricArm | null {
  const { values, distribution } = summary;
  if (values.count === 0) return null;
  const at = (p: number): number => quantileOf(distribution, p) as number;
  return {
    sessionCount: values.count,
    mean: values.mean,
    ...model.arm(summary),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
  };
}

/** Ratio of sums R = sum of values / sum of scores, and the variance of its logarithm. */
function ratioOf({ values, scores }: MetricSummary): { ratio: number; logVariance: number } {
  const sum = values.count * values.mean;
  const ratio = sum / scores.sum;
  const sumSquares = values.squares + sum * values.mean;
  const residuals = sumSquares - 2 * ratio * scores.product + ratio * ratio * scores.sumSquares;
  return { ratio, logVariance: Math.max(0, residuals) / (sum * sum) };
}

const Z95 = 1.959963984540054;

function perSuccess(champion: MetricSummary, challenger: MetricSummary): PerSuccess | null {
  const isRatio = ({ values, scores }: MetricSummary): boolean => scores.sum > 0 && values.mean > 0;
  if (!isRatio(champion) || !isRatio(challenger)) return null;
  const [of, to] = [ratioOf(challenger), ratioOf(champion)];
  const logRatio = Math.log(of.ratio / to.ratio);
  const half = Z95 * Math.sqrt(of.logVariance + to.logVariance);
  return {
    champion: to.ratio,
    challenger: of.ratio,
    change: Math.expm1(logRatio),
    changeInterval: [Math.expm1(logRatio - half), Math.expm1(logRatio + half)],
  };
}

function evaluateMetric(name: string, policy: Policy, left: ArmSummary, right: ArmSummary): MetricEvaluation {
  const of = ({ metrics }: ArmSummary): MetricSummary =>
    (Object.hasOwn(metrics, name) ? metrics[name] : undefined) ?? EMPTY_METRIC;
  const [champion, challenger] = [of(left), of(right)];
  const { kind: declared, direction } = metricPolicy(policy, name);
  const kind = kindOf(declared, champion, challenger);
  const hasAny = champion.values.count + challenger.values.count > 0;
  const model = hasAny ? modelOf(kind, champion, challenger) : null;
  const isCompared = Math.min(champion.values.count, challenger.values.count) >= 2;
  const compared = isCompared ? model : null;
  const greater = compared?.probabilityGreater ?? null;
  return {
    kind,
    direction,
    champion: model && evaluateArm(champion, model),
    challenger: model && evaluateArm(challenger, model),
    probabilityBetter: greater === null || direction === "higher" ? greater : 1 - greater,
    scale: kind === "positive" || kind === "count" ? "ratio" : "difference",
    change: compared?.change ?? null,
    changeInterval: compared?.changeInterval ?? null,
    perSuccess: kind === "positive" || kind === "count" ? perSuccess(champion, challenger) : null,
  };
}

/** Every metric that either arm has recorded, or that the policy names, by name; a part of the work each. */
export function* evaluateMetrics(
  policy: Policy,
  champion: ArmSummary,
  challenger: ArmSummary,
): Steps<Readonly<Record<string, MetricEvaluation>>> {
  const names = new Set([
    ...Object.keys(policy.metrics),
    ...Object.keys(champion.metrics),
    ...Object.keys(challenger.metrics),
  ]);
  const evaluated: [string, MetricEvaluation][] = [];
  for (const name of [...names].sort()) {
    const metric = evaluateMetric(name, policy, champion, challenger);
    // A metric nobody has recorded says nothing, declared or not.
    if (metric.champion !== null || metric.challenger !== null) evaluated.push([name, metric]);
    yield;
  }
  return Object.fromEntries(evaluated);
}

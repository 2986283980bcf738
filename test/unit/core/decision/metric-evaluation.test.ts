import fc from "fast-check";
import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import type { ArmSummary } from "../../../../src/core/decision/evidence.js";
import { evaluateMetrics, type MetricEvaluation } from "../../../../src/core/decision/metric-evaluation.js";
import { createPolicy, type PolicyInput } from "../../../../src/core/decision/policy.js";
import { createRandom, type Random } from "../../../../src/core/random.js";
import { addMetrics, type MetricValues, type RunningMetric } from "../../../../src/core/sessions/metric.js";
import { allAtOnce } from "../../../../src/core/steps.js";

const metricsOf = (...given: Parameters<typeof evaluateMetrics>) => allAtOnce(evaluateMetrics(...given));

type Session = readonly [value: number, score?: number];

/** One arm's summary of sessions that each have metrics and a score. */
function armOf(sessions: readonly { metrics: MetricValues; score: number }[]): ArmSummary {
  const metrics: Record<string, RunningMetric> = {};
  for (const session of sessions) addMetrics(metrics, session.metrics, session.score);
  return { count: sessions.length, sum: 0, sumSquares: 0, missingCount: 0, metrics };
}

const armOfValues = (name: string, sessions: readonly Session[]): ArmSummary =>
  armOf(sessions.map(([value, score = 1]) => ({ metrics: { [name]: value }, score })));

/** The evaluation of the metric `m`, of a given kind. */
function evaluated(
  metric: NonNullable<PolicyInput["metrics"]>[string],
  champion: readonly number[],
  challenger: readonly number[],
): MetricEvaluation {
  const arm = (values: readonly number[]) =>
    armOfValues(
      "m",
      values.map((value) => [value]),
    );
  const policy = createPolicy({ metrics: { m: metric } });
  return metricsOf(policy, arm(champion), arm(challenger)).m as MetricEvaluation;
}

/** A standard normal number (Box and Muller). */
const normal = ({ next }: Random): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** Gamma of a whole or half shape, as a sum of exponentials and half a squared normal. */
function gammaDraw(shape: number, random: Random): number {
  let total = shape % 1 ? normal(random) ** 2 / 2 : 0;
  for (let k = 0; k < Math.floor(shape); k += 1) total -= Math.log(1 - random.next());
  return total;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const meanOf = (values: readonly number[]): number => sum(values) / values.length;
const varianceOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1);
};
const quantile = (values: readonly number[], p: number): number =>
  values.toSorted((x, y) => x - y)[Math.round(p * (values.length - 1))] as number;

describe("any values", () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -1, 1e-320, 1e11, 1e15, 1e200, -1e200, 1.7e308, -1.7e308),
  );
  const values = fc.array(value, { minLength: 1, maxLength: 12 });
  const kinds = fc.constantFrom("auto", "binary", "count", "positive", "real");

  it("are evaluated: a session can send what it likes, and the decision must still be made", () => {
    fc.assert(
      fc.property(kinds, values, values, (kind, champion, challenger) => {
        const { champion: arm } = evaluated({ kind }, champion, challenger);
        expect(arm?.sessionCount).toBe(champion.length);
      }),
      { numRuns: 300, seed: 71 },
    );
  });
});

describe("a rate", () => {
  const champion = Array.from({ length: 50 }, (_, i) => (i < 8 ? 1 : 0));
  const challenger = Array.from({ length: 40 }, (_, i) => (i < 10 ? 1 : 0));
  const evaluatedRate = () => evaluated({ kind: "binary" }, champion, challenger);

  it("is Beta(1 + ones, 1 + zeros) in each arm, by jstat", () => {
    const result = evaluatedRate();
    expect(result.champion).toMatchObject({ sessionCount: 50, mean: expect.closeTo(0.16, 14) });
    expect(result.champion?.typical).toBeCloseTo(9 / 52, 14);
    const [low, high] = result.challenger!.interval;
    expect(jStat.beta.cdf(low, 11, 31)).toBeCloseTo(0.025, 8);
    expect(jStat.beta.cdf(high, 11, 31)).toBeCloseTo(0.975, 8);
  });

  it("is compared by difference: the integral of density times tail", () => {
    const result = evaluatedRate();
    expect(result).toMatchObject({
      kind: "binary",
      direction: "lower",
      scale: "difference",
      perSuccess: null,
    });
    const above = (shift: number): number => {
      let total = 0;
      for (let k = 0; k < 4000; k += 1) {
        const y = (k + 0.5) / 4000;
        const x = Math.min(1, Math.max(0, y + shift));
        total += (jStat.beta.pdf(y, 9, 43) * (1 - jStat.beta.cdf(x, 11, 31))) / 4000;
      }
      return total;
    };
    expect(result.probabilityBetter).toBeCloseTo(1 - above(0), 6);
    expect(result.change).toBeCloseTo(11 / 42 - 9 / 52, 14);
    expect(above(result.changeInterval![0])).toBeCloseTo(0.975, 5);
    expect(above(result.changeInterval![1])).toBeCloseTo(0.025, 5);
  });

  it("keeps within 0 and 1 what is none", () => {
    const wild = evaluated({ kind: "binary" }, [3, 4, 5], [-2, -1, 0]);
    expect(wild.champion?.typical).toBeCloseTo(4 / 5, 14);
    expect(wild.challenger?.typical).toBeCloseTo(1 / 5, 14);
  });
});

describe("a count", () => {
  const champion = [0, 1, 2, 1, 0, 1, 2, 3, 0, 1, 1, 1];
  const challenger = [1, 2, 1, 2, 3, 1, 2, 1];
  const evaluatedCount = () => evaluated({ kind: "count" }, champion, challenger);
  const shapes = {
    champion: [0.5 + sum(champion), 12 + 1e-6],
    challenger: [0.5 + sum(challenger), 8 + 1e-6],
  } as const;

  it("is Gamma(1/2 + events, sessions) in each arm, by jstat", () => {
    const result = evaluatedCount();
    for (const arm of ["champion", "challenger"] as const) {
      const [shape, rate] = shapes[arm];
      expect(result[arm]?.typical).toBeCloseTo(shape / rate, 12);
      const [low, high] = result[arm]!.interval;
      expect(jStat.gamma.cdf(low, shape, 1 / rate)).toBeCloseTo(0.025, 8);
      expect(jStat.gamma.cdf(high, shape, 1 / rate)).toBeCloseTo(0.975, 8);
    }
  });

  it("is compared by ratio: as 40,000 draws of both rates", () => {
    const result = evaluatedCount();
    const random = createRandom(5);
    const draw = ([shape, rate]: readonly [number, number]) => gammaDraw(shape, random) / rate;
    const ratios = Array.from({ length: 40_000 }, () => draw(shapes.challenger) / draw(shapes.champion));
    const worse = ratios.filter((ratio) => ratio > 1).length / ratios.length;
    expect(result).toMatchObject({ kind: "count", scale: "ratio" });
    expect(Math.abs(result.probabilityBetter! - (1 - worse))).toBeLessThan(3 * Math.sqrt(0.25 / 40_000));
    expect(result.changeInterval![0]).toBeCloseTo(quantile(ratios, 0.025) - 1, 1);
    expect(result.changeInterval![1] / (quantile(ratios, 0.975) - 1)).toBeCloseTo(1, 1);
    const [aX, rX] = shapes.challenger;
    const [aY, rY] = shapes.champion;
    expect(result.change).toBeCloseTo(aX / rX / (aY / rY) - 1, 12);
  });

  it("is one-sided alike in both directions", () => {
    const result = evaluatedCount();
    const mirrored = evaluated({ kind: "count" }, challenger, champion);
    expect(mirrored.probabilityBetter! + result.probabilityBetter!).toBeCloseTo(1, 12);
    const higher = evaluated({ kind: "count", direction: "higher" }, champion, challenger);
    expect(higher.probabilityBetter! + result.probabilityBetter!).toBeCloseTo(1, 12);
  });

  it("that scatters four times more than Poisson's is twice as uncertain", () => {
    // Bursts of 4: the mean is that of single events, the variance 4 times theirs.
    const single = Array.from({ length: 400 }, (_, i) => [0, 2, 1, 1, 0, 2, 2, 0][i % 8] as number);
    const bursts = single.map((_, i) => (i % 5 === 0 ? 5 : 0));
    const width = (values: readonly number[]): number => {
      const [low, high] = evaluated({ kind: "count" }, values, values).champion!.interval;
      return high - low;
    };
    const dispersion = varianceOf(bursts) / meanOf(bursts);
    expect(dispersion).toBeGreaterThan(3.9);
    expect(width(bursts) / width(single)).toBeCloseTo(Math.sqrt(dispersion), 1);
  });

  it("is widened by the pooled variance over the mean, the mean of each arm its own", () => {
    const [left, right] = [
      [0, 9, 1, 0, 7],
      [3, 0, 12],
    ] as const;
    const squares = (values: readonly number[]) => varianceOf(values) * (values.length - 1);
    const dispersion = (squares(left) + squares(right)) / (8 - 2) / ((sum(left) + sum(right)) / 8);
    const [shape, rate] = [0.5 + sum(right) / dispersion, (1e-6 + 3) / dispersion];
    const { challenger } = evaluated({ kind: "count" }, left, right);
    expect(challenger?.typical).toBeCloseTo(shape / rate, 10);
    expect(jStat.gamma.cdf(challenger!.interval[0], shape, 1 / rate)).toBeCloseTo(0.025, 8);
  });

  it("of bytes is told as it is, however large and however scattered", () => {
    const same = evaluated({ kind: "count" }, [2e13, 2e13], [2e13, 2e13]);
    expect(same).toMatchObject({ probabilityBetter: expect.closeTo(0.5, 6), change: 0 });
    expect(same.champion!.typical / 2e13).toBeCloseTo(1, 5);
    const scattered = [1e9, 5e9, 2e10, 4e9, 1e10];
    const { champion } = evaluated({ kind: "count" }, scattered, scattered);
    expect(champion!.typical / meanOf(scattered)).toBeCloseTo(1, 0);
  });

  it("that scatters is not called different too often: 400 pairs of equal arms, seed 70", () => {
    const random = createRandom(70);
    const bursty = (): number => (random.next() < 0.2 ? 5 : 0);
    let extreme = 0;
    for (let run = 0; run < 400; run += 1) {
      const arm = () => Array.from({ length: 60 }, bursty);
      const { probabilityBetter } = evaluated({ kind: "count" }, arm(), arm());
      extreme += Math.abs(probabilityBetter! - 0.5) > 0.45 ? 1 : 0;
    }
    // 10 % in truth; without the widening a posterior half as wide would give about 40 %.
    expect(extreme / 400).toBeLessThan(0.1 + 3 * Math.sqrt((0.1 * 0.9) / 400));
  });

  it("of nothing at all has a rate near 0", () => {
    const nothing = evaluated({ kind: "count" }, [0, 0, 0], [0, 0]);
    expect(nothing.champion?.typical).toBeCloseTo(0.5 / 3, 5);
    expect(nothing.perSuccess).toBeNull();
    const alone = evaluated({ kind: "count" }, [3], [2]);
    expect(alone).toMatchObject({ probabilityBetter: null, change: null, changeInterval: null });
  });
});

/** Draws of a normal mean from values, with the prior of both arms together worth a hundredth of an observation. */
function meanDraws(own: readonly number[], both: readonly number[], random: Random, count: number): number[] {
  const centre = meanOf(both);
  const spread = meanOf(both.map((value) => (value - centre) ** 2));
  const n = own.length;
  const k = 0.01 + n;
  const m = (0.01 * centre + sum(own)) / k;
  const a = 1 + n / 2;
  const b =
    spread +
    sum(own.map((x) => (x - meanOf(own)) ** 2)) / 2 +
    (0.01 * n * (meanOf(own) - centre) ** 2) / (2 * k);
  return Array.from({ length: count }, () => {
    const variance = b / gammaDraw(a, random);
    return m + Math.sqrt(variance / k) * normal(random);
  });
}

describe.each([
  ["a positive metric", "positive", "ratio", Math.exp],
  ["a real metric", "real", "difference", (value: number) => value],
] as const)("%s", (_, kind, scale, told) => {
  const random = createRandom(8);
  const raw = (count: number, shift: number) =>
    Array.from({ length: count }, () => shift + 0.8 * normal(random));
  const [left, right] = [raw(30, 0.2), raw(21, 0.5)];
  const evaluatedBoth = () => evaluated({ kind }, left.map(told), right.map(told));
  const draws = 20_000;
  const [drawnLeft, drawnRight] = [left, right].map((own) =>
    meanDraws(own, [...left, ...right], random, draws),
  ) as [number[], number[]];
  const differences = drawnRight.map((value, i) => value - (drawnLeft[i] as number));

  it("has the posterior mean and the interval of Student's t, by draws of mean and variance", () => {
    const result = evaluatedBoth();
    expect(result).toMatchObject({ kind, scale });
    for (const [arm, own] of [
      ["champion", drawnLeft],
      ["challenger", drawnRight],
    ] as const) {
      const { typical, interval } = result[arm]!;
      const near = (value: number, expected: number) =>
        expect(Math.abs(value - expected)).toBeLessThan(0.03 * Math.max(1, Math.abs(expected)));
      near(typical, told(meanOf(own)));
      near(interval[0], told(quantile(own, 0.025)));
      near(interval[1], told(quantile(own, 0.975)));
    }
    const exact = jStat.studentt.inv(0.975, 2 + 30);
    const [m, k, a] = [meanOf(left), 30.01, 16];
    const both = [...left, ...right];
    const pooled = meanOf(both.map((value) => (value - meanOf(both)) ** 2));
    const b =
      pooled + sum(left.map((x) => (x - m) ** 2)) / 2 + (0.01 * 30 * (m - meanOf(both)) ** 2) / (2 * k);
    const centre = (0.01 * meanOf(both) + sum(left)) / k;
    expect(result.champion!.interval[1]).toBeCloseTo(told(centre + exact * Math.sqrt(b / (a * k))), 6);
  });

  it("is compared as 20,000 draws of both means compare", () => {
    const result = evaluatedBoth();
    const worse = differences.filter((value) => value > 0).length / draws;
    expect(Math.abs(result.probabilityBetter! - (1 - worse))).toBeLessThan(
      4 * Math.sqrt((worse * (1 - worse)) / draws),
    );
    const change = (value: number) => (scale === "ratio" ? told(value) - 1 : value);
    expect(result.change).toBeCloseTo(change(meanOf(differences)), 1);
    expect(Math.abs(result.changeInterval![0] - change(quantile(differences, 0.025)))).toBeLessThan(0.03);
    expect(Math.abs(result.changeInterval![1] - change(quantile(differences, 0.975)))).toBeLessThan(0.06);
  });

  it("mirrors when the arms are exchanged, and when the other way is better", () => {
    const result = evaluatedBoth();
    const mirrored = evaluated({ kind }, right.map(told), left.map(told));
    expect(mirrored.probabilityBetter! + result.probabilityBetter!).toBeCloseTo(1, 10);
    const higher = evaluated({ kind, direction: "higher" }, left.map(told), right.map(told));
    expect(higher.probabilityBetter! + result.probabilityBetter!).toBeCloseTo(1, 12);
    expect(higher.change).toBe(result.change);
  });
});

describe("what a metric is taken for", () => {
  it.each([
    ["auto", [1, 2, 3], [2, 3], "positive"],
    ["auto", [1, 2, 3], [2, 0], "real"],
    ["auto", [-1, 2, 3], [2, 4], "real"],
    ["positive", [1, 2], [0, 2], "real"],
    ["positive", [1, 2], [1, 2], "positive"],
    ["real", [1, 2], [1, 2], "real"],
    ["binary", [1, 0], [1, 1], "binary"],
  ] as const)("%s with %j against %j is %s: 0 has no logarithm", (kind, champion, challenger, taken) => {
    expect(evaluated({ kind }, champion, challenger).kind).toBe(taken);
  });

  it("is a rate or a ratio to the percentiles of its values", () => {
    const values = Array.from({ length: 201 }, (_, i) => 1 + i);
    const { champion } = evaluated({}, values, [1, 2]);
    expect(champion).toMatchObject({ sessionCount: 201, mean: expect.closeTo(101, 10) });
    for (const [key, exact] of [
      ["p50", 101],
      ["p90", 181],
      ["p95", 191],
      ["p99", 199],
    ] as const) {
      expect(Math.abs(champion![key] / exact - 1)).toBeLessThan(0.01);
    }
  });

  it("reads where all values are the same", () => {
    for (const kind of ["positive", "real", "count", "binary"] as const) {
      const same = evaluated({ kind }, [1, 1, 1], [1, 1, 1]);
      expect(same.probabilityBetter).toBeCloseTo(0.5, 6);
      expect(same.champion?.interval.every(Number.isFinite)).toBe(true);
    }
  });
});

describe("evaluateMetrics", () => {
  const policy = createPolicy({ metrics: { cost_usd: { kind: "positive" } } });
  const nobody = armOf([]);

  it("lists by name what either arm has recorded, and nothing that neither has", () => {
    const left = armOf([{ metrics: { error: 0, tokens: 5 }, score: 1 }]);
    const right = armOf([{ metrics: { error: 0, duration_ms: 7 }, score: 1 }]);
    expect(Object.keys(metricsOf(policy, left, right))).toEqual(["duration_ms", "error", "tokens"]);
    expect(metricsOf(policy, nobody, nobody)).toEqual({});
  });

  it("compares nothing while an arm has less than two values", () => {
    const one = armOfValues("cost_usd", [[3]]);
    const many = armOfValues("cost_usd", [[3], [4], [5]]);
    const nothing = { probabilityBetter: null, change: null, changeInterval: null };
    expect(metricsOf(policy, many, nobody).cost_usd).toMatchObject({
      ...nothing,
      challenger: null,
      champion: { sessionCount: 3 },
      perSuccess: null,
    });
    expect(metricsOf(policy, one, many).cost_usd).toMatchObject({
      ...nothing,
      champion: { sessionCount: 1 },
    });
    expect(metricsOf(policy, many, many).cost_usd?.probabilityBetter).toBeCloseTo(0.5, 10);
    const two = armOfValues("cost_usd", [[3], [5]]);
    expect(metricsOf(policy, two, many).cost_usd?.change).toBeCloseTo(60 ** (1 / 3) / Math.sqrt(15) - 1, 2);
  });

  it.each(["toString", "constructor"])("reads a metric called %s that one arm alone has", (name) => {
    const some = armOfValues(name, [[1], [2]]);
    const result = metricsOf(policy, some, nobody);
    expect(Object.keys(result)).toEqual([name]);
    expect(result[name]).toMatchObject({ challenger: null, probabilityBetter: null });
  });
});

describe("what a success costs", () => {
  const random = createRandom(44);
  /** A failed session costs more: it tries longer. */
  const simulated = (count: number, rate: number, factor: number): [number, number][] =>
    Array.from({ length: count }, () => {
      const score = random.next() < rate ? 1 : 0;
      return [factor * Math.exp(0.5 * normal(random)) * (score ? 1 : 1.6), score];
    });
  const [left, right] = [simulated(300, 0.6, 1), simulated(200, 0.7, 0.9)];
  const of = (
    champion: readonly Session[],
    challenger: readonly Session[],
    kind: "positive" | "count" | "real",
  ) =>
    metricsOf(
      createPolicy({ metrics: { m: { kind } } }),
      armOfValues("m", champion),
      armOfValues("m", challenger),
    ).m?.perSuccess;
  const ratio = (sessions: readonly (readonly [number, number])[]): number =>
    sum(sessions.map(([value]) => value)) / sum(sessions.map(([, score]) => score));

  it("is the sum of the values over the sum of the scores", () => {
    const result = of(left, right, "positive");
    expect(result?.champion).toBeCloseTo(ratio(left), 10);
    expect(result?.challenger).toBeCloseTo(ratio(right), 10);
    expect(result?.change).toBeCloseTo(ratio(right) / ratio(left) - 1, 10);
  });

  it("has the interval that 3,000 resamplings of the sessions have", () => {
    const resampled = (sessions: readonly [number, number][]) =>
      sessions.map(() => sessions[Math.floor(random.next() * sessions.length)] as [number, number]);
    const changes = Array.from({ length: 3000 }, () => ratio(resampled(right)) / ratio(resampled(left)) - 1);
    const [low, high] = of(left, right, "positive")!.changeInterval;
    const width = quantile(changes, 0.975) - quantile(changes, 0.025);
    expect(Math.abs(high - low - width)).toBeLessThan(0.1 * width);
    expect(Math.abs(low - quantile(changes, 0.025))).toBeLessThan(0.1 * width);
    expect(Math.abs(high - quantile(changes, 0.975))).toBeLessThan(0.1 * width);
  });

  it("is there for counts, and not for other numbers or while an arm has no success", () => {
    expect(of(left, right, "count")?.champion).toBeCloseTo(ratio(left), 10);
    expect(of(left, right, "real")).toBeNull();
    const failed = left.map(([value]) => [value, 0] as const);
    expect(of(failed, right, "positive")).toBeNull();
    expect(of(left, failed, "positive")).toBeNull();
    expect(
      of(
        left,
        [
          [0, 1],
          [0, 1],
        ],
        "count",
      ),
    ).toBeNull();
  });

  it("is exact where nothing varies", () => {
    const result = of([[2], [2]], [[1], [1]], "positive");
    expect(result?.change).toBeCloseTo(-0.5, 14);
    expect(result?.changeInterval[0]).toBeCloseTo(-0.5, 12);
    expect(result?.changeInterval[1]).toBeCloseTo(-0.5, 12);
  });
});

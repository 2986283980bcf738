/**
 * The rules about data, each with the failure it prevents: simulated experiments, through the real fold and the real
 * decision, once with the rule and once without.
 *
 * In all of them but two the challenger is no better, so at most alpha of the runs may promote it: bounds are three
 * standard errors of the simulation above. A failure has to show far beyond that.
 */
import { describe, expect, it } from "vitest";
import type { ArmSummary, Evidence, FoldInput } from "../../../../src/core/decision/evidence.js";
import type { PolicyInput } from "../../../../src/core/decision/policy.js";
import { meanOf, posteriors } from "../../../../src/core/decision/posterior.js";
import { probGreater } from "../../../../src/core/numeric/beta-compare.js";
import { createRandom, type Random } from "../../../../src/core/random.js";
import { type ScoringSignal, scoreSignals, settle } from "../../../../src/core/sessions/score.js";
import { atMost, foldAll, rulingRates, termsOf } from "../../../support/evidence.js";

const SEED = 20_261_121;
const ALPHA = 0.05;
const OFF = 1e-200;

type Experiment = (random: Random) => Iterable<FoldInput>;

/** Terms without what is not looked at: no guardrails, no futility. */
const plain = (input: PolicyInput, share = 0.5) =>
  termsOf({ futility: null, guardrails: [], fuse: null, ...input }, [share]);

/** An experiment of `count` units, each made by `one`. */
const repeated = (count: number, one: (random: Random, index: number) => FoldInput): Experiment =>
  function* (random) {
    for (let i = 0; i < count; i += 1) yield one(random, i);
  };

/** An experiment that folds what `keep` lets through, and loses the rest. */
const only = (experiment: Experiment, keep: (unit: FoldInput) => boolean): Experiment =>
  function* (random) {
    for (const unit of experiment(random)) if (keep(unit)) yield unit;
  };

const drawn = ({ next }: Random, share = 0.5): 0 | 1 => (next() < share ? 1 : 0);

/** A standard normal number (Box and Muller). */
const normal = ({ next }: Random): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

describe(`outcomes fold in the order of assignment (300 experiments of 500, seed ${SEED})`, () => {
  // Equal arms. Failures of the challenger are known 300 sessions later on average, everything else after 10.
  const terms = plain({ horizon: 500 }, 0.2);

  function assigned(random: Random): readonly { unit: FoldInput; arrival: number }[] {
    return Array.from({ length: 500 }, (_, i) => {
      const arm = drawn(random, 0.2);
      const score = drawn(random, 0.6);
      const delay = arm === 1 && score === 0 ? 300 : 10;
      return { unit: { arm, shares: [0.2], score }, arrival: i - delay * Math.log(1 - random.next()) };
    });
  }

  it("by arrival an equal challenger wins most of the time, because its failures come late", () => {
    const byArrival: Experiment = (random) =>
      assigned(random)
        .toSorted((one, other) => one.arrival - other.arrival)
        .map(({ unit }) => unit);
    expect(rulingRates(300, SEED, byArrival, { terms }).promote).toBeGreaterThan(0.7);
  });

  it("by assignment it wins in at most alpha", () => {
    const inOrder: Experiment = (random) => assigned(random).map(({ unit }) => unit);
    expect(rulingRates(300, SEED, inOrder, { terms }).promote).toBeLessThanOrEqual(atMost(ALPHA, 300));
  });
});

describe(`what goes missing is tested (300 experiments of 400, seed ${SEED})`, () => {
  // Equal arms. Half of the challenger's failures leave no trace of how they went.
  const terms = plain({ horizon: 400 });
  const lossy = repeated(400, (random) => {
    const arm = drawn(random);
    const score = drawn(random, 0.6);
    return { arm, shares: [0.5], score: arm === 1 && score === 0 && random.next() < 0.5 ? null : score };
  });

  it("excluding them silently promotes an equal challenger most of the time", () => {
    const naive = only(lossy, ({ score }) => score !== null);
    expect(rulingRates(300, SEED, naive, { terms }).promote).toBeGreaterThan(0.7);
  });

  it("with them folded as missing, nearly all experiments abort and at most alpha promote", () => {
    const rates = rulingRates(300, SEED, lossy, { terms });
    expect(rates.abort).toBeGreaterThan(0.9);
    expect(rates.promote).toBeLessThanOrEqual(atMost(ALPHA, 300));
  });
});

describe(`units reach the arms in their shares (300 experiments of 600, seed ${SEED})`, () => {
  // Equal arms. Four of five hard sessions that were drawn for the challenger end up with the champion.
  const broken = repeated(600, (random) => {
    const isHard = random.next() < 0.5;
    const arm = isHard && random.next() < 0.8 ? 0 : drawn(random);
    return { arm, shares: [0.5], score: drawn(random, isHard ? 0.4 : 0.8) };
  });

  it("without the test of the sample ratio a broken assignment promotes an equal challenger", () => {
    const terms = plain({ horizon: 600, srmAlpha: OFF });
    expect(rulingRates(300, SEED, broken, { terms }).promote).toBeGreaterThan(0.9);
  });

  it("with it most of these experiments abort before", () => {
    const { abort, promote } = rulingRates(300, SEED, broken, { terms: plain({ horizon: 600 }) });
    expect(abort).toBeGreaterThan(0.6);
    expect(promote).toBeLessThan(0.4);
  });
});

describe(`a unit contributes once (400 experiments of 40 users and 400 sessions, seed ${SEED})`, () => {
  // Equal arms. A user keeps its arm; half of the users nearly always succeed, the others nearly never.
  function* visits(random: Random): Generator<FoldInput & { readonly isFirst: boolean }> {
    const users = Array.from({ length: 40 }, () => ({ arm: drawn(random), rate: 0.1 + 0.8 * drawn(random) }));
    const seen = new Set<number>();
    for (let i = 0; i < 400; i += 1) {
      const at = Math.floor(40 * random.next());
      const { arm, rate } = users[at] as (typeof users)[number];
      yield { arm, shares: [0.5], score: drawn(random, rate), isFirst: !seen.has(at) };
      seen.add(at);
    }
  }

  it("every session counted as independent promotes an equal challenger far too often", () => {
    const terms = plain({ horizon: 400, srmAlpha: OFF });
    expect(rulingRates(400, SEED, visits, { terms }).promote).toBeGreaterThan(3 * ALPHA);
  });

  it("the first session of each user alone does so in at most alpha", () => {
    const terms = plain({ horizon: 40 });
    const first: Experiment = function* (random) {
      for (const visit of visits(random)) if (visit.isFirst) yield visit;
    };
    expect(rulingRates(400, SEED, first, { terms }).promote).toBeLessThanOrEqual(atMost(ALPHA, 400));
  });
});

describe(`a class of signals has one voice (200 experiments of 300, seed ${SEED})`, () => {
  // Users like the challenger clearly less, but it makes its sessions emit 20 cheerful implicit signals each.
  const experiment = (mode: "class" | "signal") => {
    const terms = plain({ horizon: 300, scoring: { mode } });
    const units = repeated(300, (random) => {
      const arm = drawn(random);
      const signals: ScoringSignal[] = [
        { name: "thumbs", kind: "explicit", value: drawn(random, arm === 1 ? 0.4 : 0.6) },
      ];
      for (let k = 0; k < (arm === 1 ? 20 : 1); k += 1)
        signals.push({ name: "copied", kind: "implicit", value: drawn(random, 0.9) });
      return { arm, shares: [0.5], score: scoreSignals(signals, terms.policy.scoring) };
    });
    return rulingRates(200, SEED, units, { terms });
  };

  it("with a vote for every signal the chatty challenger is promoted against its users", () => {
    expect(experiment("signal").promote).toBeGreaterThan(0.8);
  });

  it("with a voice for each class it is aborted for harm", () => {
    const { promote, abort } = experiment("class");
    expect(promote).toBeLessThanOrEqual(atMost(ALPHA, 200));
    expect(abort).toBeGreaterThan(0.9);
  });
});

describe(`graded scores count for what they tell (200 experiments of 300, seed ${SEED})`, () => {
  // A challenger better by 6 points of a score that scatters by 18.
  const terms = plain({ horizon: 300 });
  const graded = repeated(300, (random) => {
    const arm = drawn(random);
    const score = Math.min(1, Math.max(0, 0.6 + 0.06 * arm + 0.18 * normal(random)));
    return { arm, shares: [0.5], score };
  });
  const halved =
    (experiment: Experiment): Experiment =>
    (random) =>
      [...experiment(random)].map((unit) => ({ ...unit, score: (unit.score as number) >= 0.5 ? 1 : 0 }));

  /** P(better) as if each score were one coin flip. */
  function asCoins({ arms }: Evidence): number {
    const [y, x] = arms as [ArmSummary, ArmSummary];
    return probGreater({ aX: 1 + x.sum, bX: 1 + x.count - x.sum, aY: 1 + y.sum, bY: 1 + y.count - y.sum });
  }

  const { promote: power } = rulingRates(200, SEED, graded, { terms });

  it("with a posterior as wide as for coin flips most of the power is lost", () => {
    expect(power).toBeGreaterThan(0.7);
    expect(rulingRates(200, SEED, graded, { terms, probability: asCoins }).promote).toBeLessThan(power - 0.4);
  });

  it("rounded to success and failure a third of it", () => {
    expect(rulingRates(200, SEED, halved(graded), { terms }).promote).toBeLessThan(power - 0.15);
  });

  it("rounded, a challenger that is worse on average is promoted; as they are, it is aborted", () => {
    // The champion is brilliant or just fails, the challenger always just passes: 0.65 against 0.55.
    const mediocre = repeated(300, (random) => {
      const arm = drawn(random);
      const score = arm === 1 ? 0.55 : random.next() < 0.5 ? 0.9 : 0.4;
      return { arm, shares: [0.5], score };
    });
    expect(rulingRates(200, SEED, halved(mediocre), { terms }).promote).toBeGreaterThan(0.95);
    const rates = rulingRates(200, SEED, mediocre, { terms });
    expect(rates.abort).toBeGreaterThan(0.95);
    expect(rates.promote).toBeLessThanOrEqual(atMost(ALPHA, 200));
  });

  it("the posterior is as wide as the estimates scatter from experiment to experiment, coin flips' is not", () => {
    const { means, widths, coinWidths } = spread(graded, terms);
    const average = means.reduce((sum, mean) => sum + mean, 0) / means.length;
    const deviation = Math.sqrt(
      means.reduce((sum, mean) => sum + (mean - average) ** 2, 0) / (means.length - 1),
    );
    const mid = (values: readonly number[]) => values.toSorted((x, y) => x - y)[100] as number;
    // The standard error of a deviation of 200 is 5 % of it.
    expect(mid(widths) / deviation).toBeGreaterThan(0.85);
    expect(mid(widths) / deviation).toBeLessThan(1.2);
    expect(mid(coinWidths) / deviation).toBeGreaterThan(2);
  });
});

/** The challenger's posterior of 200 whole experiments: its means, its standard deviations, and those of coin flips. */
function spread(experiment: Experiment, terms: ReturnType<typeof plain>) {
  const found = { means: [] as number[], widths: [] as number[], coinWidths: [] as number[] };
  const deviationOf = (alpha: number, beta: number): number =>
    Math.sqrt((alpha * beta) / ((alpha + beta) ** 2 * (alpha + beta + 1)));
  for (let run = 0; run < 200; run += 1) {
    const evidence = foldAll([...experiment(createRandom(SEED + run))], terms);
    const { challenger } = posteriors(evidence, terms.policy);
    const { sum, count } = evidence.arms[1] as ArmSummary;
    found.means.push(meanOf(challenger));
    found.widths.push(deviationOf(challenger.alpha, challenger.beta));
    found.coinWidths.push(deviationOf(1 + sum, 1 + count - sum));
  }
  return found;
}

describe(`an abandoned session has failed (300 experiments of 400, seed ${SEED})`, () => {
  // Equal arms. The challenger's process dies in three of four sessions that would have failed.
  const terms = plain({ horizon: 400 });
  const dying = repeated(400, (random) => {
    const arm = drawn(random);
    const value = drawn(random, 0.6);
    const hasEnded = !(arm === 1 && value === 0 && random.next() < 0.75);
    const signals: ScoringSignal[] = [{ name: "thumbs", kind: "explicit", value }];
    const { score, isAbandoned } = settle({ hasEnded, signals }, terms.policy);
    return { arm, shares: [0.5], score, context: { isAbandoned } };
  });

  it("dropped, they promote a challenger for dying before it fails", () => {
    const dropped = only(dying, ({ context }) => context?.isAbandoned === false);
    const rates = rulingRates(300, SEED, dropped, { terms: plain({ horizon: 400, srmAlpha: OFF }) });
    expect(rates.promote).toBeGreaterThan(0.9);
    // The sample ratio of what is left would give the alarm too late for most of these.
    expect(rulingRates(300, SEED, dropped, { terms }).promote).toBeGreaterThan(0.7);
  });

  it("scored 0, dying gains nothing: at most alpha are promoted", () => {
    expect(rulingRates(300, SEED, dying, { terms }).promote).toBeLessThanOrEqual(atMost(ALPHA, 300));
  });
});

describe(`a share may move while the base rate drifts (300 experiments of 600, seed ${SEED})`, () => {
  // Success climbs from 0.4 to 0.8 while the challenger's share climbs from 5 to 50 %.
  const drifting = (uplift: number): Experiment =>
    repeated(600, (random, i) => {
      const share = [0.05, 0.1, 0.25, 0.5][Math.floor(i / 150)] as number;
      const arm = drawn(random, share);
      return { arm, shares: [share], score: drawn(random, 0.4 + (0.4 * i) / 600 + uplift * arm) };
    });
  const pooled = { terms: plain({ kind: "threshold", horizon: 600 }, 0.225), every: 20 };
  const calibrated = { terms: plain({ horizon: 600 }, 0.225) };

  it("pooled rates alone promote an equal challenger mostly, even one 5 points worse often", () => {
    expect(rulingRates(300, SEED, drifting(0), pooled).promote).toBeGreaterThan(0.6);
    expect(rulingRates(300, SEED, drifting(-0.05), pooled).promote).toBeGreaterThan(0.3);
  });

  it("the e-process promotes either in at most alpha", () => {
    expect(rulingRates(300, SEED, drifting(0), calibrated).promote).toBeLessThanOrEqual(atMost(ALPHA, 300));
    expect(rulingRates(300, SEED, drifting(-0.05), calibrated).promote).toBeLessThanOrEqual(
      atMost(ALPHA, 300),
    );
  });
});

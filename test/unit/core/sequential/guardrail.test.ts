import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom, type Random } from "../../../../src/core/random.js";
import { eProcess } from "../../../../src/core/sequential/e-process.js";
import {
  advanceGuardrail,
  type Guardrail,
  type GuardrailPlan,
  type GuardrailSession,
  type GuardrailState,
  hasGuardrailCrossed,
  type MetricKind,
  matchesWhere,
  prepareGuardrail,
  runningGuardrail,
  startGuardrail,
  stepGuardrail,
} from "../../../../src/core/sequential/guardrail.js";

const COST: Guardrail = { metric: "cost", direction: "lower", margin: 0.1, mode: "abort" };
const PLAN: GuardrailPlan = {
  guardrail: COST,
  kind: "positive",
  alpha: 0.05,
  horizon: 100,
  planShare: 0.5,
};

const planOf = (kind: MetricKind, change: Partial<Guardrail> = {}): GuardrailPlan => ({
  ...PLAN,
  kind,
  guardrail: { ...COST, ...change },
});

function stateAfter(plan: GuardrailPlan, sessions: readonly GuardrailSession[]): GuardrailState {
  const prepared = prepareGuardrail(plan);
  const state = runningGuardrail(startGuardrail());
  for (const session of sessions) advanceGuardrail(prepared, state, session);
  return state;
}

/** Written again from the formula, with a sorted array in place of a sketch and words in place of signs. */
function reference(plan: GuardrailPlan, sessions: readonly GuardrailSession[]): readonly number[] {
  const { direction, margin, mode } = plan.guardrail;
  const scaled = (z: number): number => {
    if (plan.kind === "real") return direction === "lower" ? z - margin : z + margin;
    const exact = direction === "lower" ? z / (1 + margin) : z / (1 - margin);
    if (plan.kind !== "count" || mode === "abort") return exact;
    return direction === "lower" ? Math.ceil(exact) : Math.floor(exact);
  };
  const sorted: number[] = [];
  const y = sessions.map(({ g, value }) => {
    const z = g === 1 ? scaled(value) : value;
    const below = sorted.filter((other) => other < z).length;
    const equal = sorted.filter((other) => other === z).length;
    const rank = (below + equal / 2 + 1 / 2) / (sorted.length + 1);
    sorted.push(z);
    sorted.sort((a, b) => a - b);
    return rank;
  });
  const isLargerHarm = direction === "lower";
  return eProcess({
    alpha: plan.alpha,
    horizon: plan.horizon,
    planShare: plan.planShare,
    direction: isLargerHarm === (mode === "abort") ? 1 : -1,
    shift: 0,
    data: { g: sessions.map(({ g }) => g), y, w: sessions.map(({ w }) => w) },
  });
}

function lognormal(random: Random, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()));
}

/** Sessions of a metric whose challenger's values are `ratio` times the champion's. */
function sessionsOf(seed: number, count: number, draw: (random: Random, g: 0 | 1) => number) {
  const random = createRandom(seed);
  return Array.from({ length: count }, (): GuardrailSession => {
    const g = random.next() < 0.5 ? 1 : 0;
    return { g, value: draw(random, g), w: 0.5 };
  });
}

const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const sessions = (value: fc.Arbitrary<number>) =>
  fc.array(fc.record({ g: fc.constantFrom(0 as const, 1 as const), value, w: share }), { maxLength: 60 });
const cost = fc.double({ min: 0, max: 1e6, noNaN: true });
const direction = fc.constantFrom("lower" as const, "higher" as const);
const mode = fc.constantFrom("abort" as const, "require" as const);

describe("stepGuardrail", () => {
  it("starts at 0 and gives the documented value", () => {
    expect(startGuardrail().test.logE).toBe(0);
    const prepared = prepareGuardrail(PLAN);
    const first = stepGuardrail(prepared, startGuardrail(), { g: 0, value: 2, w: 0.5 });
    const second = stepGuardrail(prepared, first, { g: 1, value: 4, w: 0.5 });
    expect(second.test.logE).toBeCloseTo(0.205383561333, 11);
    // The ranks by hand: 1/2 among none; 4/1.1 lies above the one before, (1 + 1/2)/2.
    const data = { g: [0, 1], y: [0.5, 0.75], w: [0.5, 0.5] };
    const [logE] = eProcess({ ...prepared.test.plan, data });
    expect(second.test.logE).toBe(logE);
  });

  it("goes on the same from a checkpoint that went through JSON, and leaves the old state alone", () => {
    fc.assert(
      fc.property(sessions(cost), direction, mode, (all, towards, how) => {
        const plan = planOf("positive", { direction: towards, mode: how });
        const before = stateAfter(plan, all);
        const text = JSON.stringify(before);
        const session = { g: 1, value: 7.5, w: 0.3 } as const;
        const next = stepGuardrail(prepareGuardrail(plan), before, session);
        expect(JSON.stringify(before)).toBe(text);
        const stored = JSON.parse(text) as GuardrailState;
        expect(stepGuardrail(prepareGuardrail(plan), stored, session)).toEqual(next);
        expect(stateAfter(plan, [...all, session])).toEqual(next);
      }),
    );
  });

  it("equals the reference exactly where the bins are exact: counts of up to 256", () => {
    const count = fc.integer({ min: 0, max: 256 });
    fc.assert(
      fc.property(sessions(count), direction, (all, towards) => {
        const required = planOf("count", { direction: towards, mode: "require" });
        const real = planOf("real", { direction: towards, margin: 3 });
        // Without a margin, counts stay whole in mode abort too.
        const aborting = planOf("count", { direction: towards, margin: 0 });
        for (const plan of [required, real, aborting]) {
          const { test } = stateAfter(plan, all);
          expect([test.logE, test.logSup]).toEqual(reference(plan, all).slice(0, 2));
        }
      }),
    );
  });

  it("equals the reference exactly where values lie in different bins", () => {
    for (const seed of [1, 2, 3, 4]) {
      for (const towards of ["lower", "higher"] as const) {
        const plan = planOf("positive", { direction: towards });
        const divisor = towards === "lower" ? 1.1 : 0.9;
        const seen: number[] = [];
        const apart = sessionsOf(seed, 400, (random, g) => lognormal(random, 6) * (g ? 2 : 1)).filter(
          ({ g, value }) => {
            const z = g === 1 ? value / divisor : value;
            if (seen.some((other) => Math.abs(other / z - 1) < 1 / 64)) return false;
            return seen.push(z) > 0;
          },
        );
        expect(apart.length).toBeGreaterThan(100);
        const { test } = stateAfter(plan, apart);
        expect([test.logE, test.logSup]).toEqual(reference(plan, apart).slice(0, 2));
      }
    }
  });

  it.each([1, 1.5, 2])("decides as the reference does among dense values, ratio %s", (ratio) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const all = sessionsOf(seed, 300, (random, g) => lognormal(random, 0.5) * (g ? ratio : 1));
      const plan = { ...PLAN, horizon: 300 };
      const state = stateAfter(plan, all);
      const [logE, , , , crossing] = reference(plan, all) as [number, number, number, number, number];
      expect(hasGuardrailCrossed(prepareGuardrail(plan), state)).toBe(crossing > 0);
      expect(Math.abs(state.test.logE - logE)).toBeLessThan(0.01 * Math.abs(logE) + 0.1);
    }
  });

  it("never expects to gain at the boundary, whatever the state", () => {
    // Margins whose scaling is exact in doubles, so that both arms have the very same z'.
    const margin = fc.constantFrom(0, -0.5, 0.5);
    fc.assert(
      fc.property(sessions(cost), margin, mode, cost, share, (all, signed, how, z, w) => {
        const towards = signed > 0 ? "higher" : "lower";
        const plan = planOf("positive", { direction: towards, margin: signed, mode: how });
        const state = stateAfter(plan, all);
        const wealth = (g: 0 | 1): number => {
          const value = g === 1 && signed !== 0 ? z / 2 : z;
          const next = stepGuardrail(prepareGuardrail(plan), state, { g, value, w });
          return Math.exp(next.test.logE - state.test.logE);
        };
        expect(w * wealth(1) + (1 - w) * wealth(0)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it("bets on a binary metric as on an outcome, with the margin as the shift", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(sessions(unit), direction, mode, (all, towards, how) => {
        const state = stateAfter(planOf("binary", { direction: towards, mode: how, margin: 0.05 }), all);
        const isUp = (towards === "lower") === (how === "abort");
        const [logE, logSup] = eProcess({
          alpha: 0.05,
          horizon: 100,
          planShare: 0.5,
          direction: isUp ? 1 : -1,
          shift: towards === "lower" ? 0.05 : -0.05,
          data: { g: all.map(({ g }) => g), y: all.map((s) => s.value), w: all.map(({ w }) => w) },
        });
        expect([state.test.logE, state.test.logSup]).toEqual([logE, logSup]);
        expect(state.seen.total).toBe(0);
      }),
    );
  });

  // Values near 10 or a rate near 1/2; "more" and "less" are far beyond a margin of 10 %, 0.1 points or 1 unit.
  const draws: Record<MetricKind, (random: Random, factor: number) => number> = {
    binary: (random, factor) => (random.next() < 0.5 * factor ? 1 : 0),
    count: (random, factor) => Math.round(10 * factor * lognormal(random, 0.3)),
    positive: (random, factor) => 10 * factor * lognormal(random, 0.3),
    real: (random, factor) => 10 * (factor - 1) + random.next() - 0.5,
  };
  const kinds = Object.keys(draws) as MetricKind[];
  it.each(
    kinds.flatMap((kind) =>
      (["lower", "higher"] as const).flatMap((towards) =>
        (["abort", "require"] as const).map((how) => [kind, towards, how] as const),
      ),
    ),
  )("%s, %s is better, %s: crosses for the right challenger only", (kind, towards, how) => {
    const margin = kind === "real" ? 1 : 0.1;
    const plan = { ...planOf(kind, { direction: towards, mode: how, margin }), horizon: 400 };
    const crosses = (factor: number): boolean => {
      const all = sessionsOf(5, 400, (random, g) => draws[kind](random, g === 1 ? factor : 1));
      return hasGuardrailCrossed(prepareGuardrail(plan), stateAfter(plan, all));
    };
    const isMoreFound = (towards === "lower") === (how === "abort");
    expect([crosses(1.6), crosses(0.4)]).toEqual([isMoreFound, !isMoreFound]);
  });

  it("does not let a worse challenger pass on ties among small counts", () => {
    // One tool call, sometimes two: 20 % more of them in the challenger, and 10 % allowed.
    const plan = { ...planOf("count", { mode: "require" }), horizon: 2000 };
    const all = sessionsOf(9, 2000, (random, g) => (random.next() < (g === 1 ? 0.44 : 0.2) ? 2 : 1));
    expect(hasGuardrailCrossed(prepareGuardrail(plan), stateAfter(plan, all))).toBe(false);
    const unrounded = { ...plan, kind: "positive" as const };
    expect(hasGuardrailCrossed(prepareGuardrail(unrounded), stateAfter(unrounded, all))).toBe(true);
  });

  it("ranks counts by their scaled values, unrounded, where it may abort", () => {
    // 3/1.1 lies below 3, 3/0.9 above it: rounded to the worse both would tie with it, at a rank of 1/2.
    for (const [towards, rank] of [
      ["lower", 0.25],
      ["higher", 0.75],
    ] as const) {
      const plan = planOf("count", { direction: towards });
      const { test } = stateAfter(plan, [
        { g: 0, value: 3, w: 0.5 },
        { g: 1, value: 3, w: 0.5 },
      ]);
      const data = { g: [0, 1], y: [0.5, rank], w: [0.5, 0.5] };
      expect(test.logE).toBe(eProcess({ ...prepareGuardrail(plan).test.plan, data })[0]);
    }
  });

  it("has crossed once the line itself is reached", () => {
    const prepared = prepareGuardrail(PLAN);
    const reached = (logSup: number): boolean => {
      const { test, seen } = startGuardrail();
      return hasGuardrailCrossed(prepared, { test: { ...test, logSup }, seen });
    };
    expect(prepared.test.logThreshold).toBeCloseTo(Math.log(20), 8);
    expect(reached(prepared.test.logThreshold)).toBe(true);
    expect(reached(Math.log(19.99))).toBe(false);
  });

  it("asks for an improvement when the margin is negative", () => {
    const plan = { ...planOf("positive", { mode: "require", margin: -0.2 }), horizon: 1000 };
    const isMet = (ratio: number): boolean => {
      const all = sessionsOf(3, 1000, (random, g) => lognormal(random, 0.5) * (g ? ratio : 1));
      return hasGuardrailCrossed(prepareGuardrail(plan), stateAfter(plan, all));
    };
    expect([isMet(0.6), isMet(0.8), isMet(1)]).toEqual([true, false, false]);
  });

  it.each([
    ["kind", { kind: "rate" as never }],
    ["direction", { guardrail: { ...COST, direction: "up" as never } }],
    ["mode", { guardrail: { ...COST, mode: "warn" as never } }],
    ["margin", { guardrail: { ...COST, margin: 1 } }],
    ["margin", { guardrail: { ...COST, margin: -1 } }],
    ["margin", { kind: "binary" as const, guardrail: { ...COST, margin: 1 } }],
    ["margin", { kind: "real" as const, guardrail: { ...COST, margin: Number.NaN } }],
    ["alpha", { alpha: 0 }],
    ["horizon", { horizon: 0 }],
    ["planShare", { planShare: 2 }],
  ])("refuses a wrong %s", (name, change) => {
    expect(() => prepareGuardrail({ ...PLAN, ...change })).toThrow(new RegExp(`^${name} must be`));
    expect(() => prepareGuardrail({ ...PLAN, ...change })).toThrow(
      expect.objectContaining({ code: "numeric_domain" }),
    );
  });

  it("says which words it knows, and which arms", () => {
    expect(() => prepareGuardrail({ ...PLAN, kind: "rate" as never })).toThrow(
      /^kind must be one of binary, count, positive, real; /,
    );
    const session = { g: 2 as never, value: 1, w: 0.5 };
    expect(() => stepGuardrail(prepareGuardrail(PLAN), startGuardrail(), session)).toThrow(
      /^g must be 0 or 1; /,
    );
  });

  it("takes a margin of a real metric in its own unit", () => {
    const prepared = prepareGuardrail(planOf("real", { margin: 250 }));
    expect([prepared.offset, prepared.divisor]).toEqual([250, 1]);
  });

  it.each([
    ["g", "positive", { g: 2 as never }],
    ["w", "positive", { w: 1 }],
    ["value", "positive", { value: -1 }],
    ["value", "count", { value: Number.POSITIVE_INFINITY }],
    ["value", "binary", { value: 5 }],
    ["value", "real", { value: Number.NaN }],
  ] as const)("refuses a wrong %s of a session of a %s metric", (name, kind, change) => {
    const session = { g: 1, value: 1, w: 0.5, ...change } as const;
    const step = () => stepGuardrail(prepareGuardrail(planOf(kind)), startGuardrail(), session);
    expect(step).toThrow(new RegExp(`^${name} must be`));
  });
});

describe("matchesWhere", () => {
  const context = {
    plan: "free",
    turns: 3,
    isTrial: true,
    "user.plan": "flat",
    user: { plan: "deep", tags: ["a"], none: null },
  };

  it("gives the documented value", () => {
    expect(matchesWhere({ "user.plan": "free" }, { user: { plan: "free" } })).toBe(true);
  });

  it.each([
    [undefined, true],
    [{}, true],
    [{ plan: "free" }, true],
    [{ plan: "free", turns: 3, isTrial: true }, true],
    [{ plan: "free", turns: 4 }, false],
    [{ turns: "3" }, false],
    [{ missing: "x" }, false],
    [{ "user.plan": "flat" }, true],
    [{ "user.plan": "deep" }, false],
    [{ "user.tags.0": "a" }, true],
    [{ "user.none.deeper": "x" }, false],
    [{ "plan.length": 4 }, false],
    [{ "user.plan.length": 4 }, false],
    [{ "user.toString": "x" }, false],
    [{ constructor: "x" }, false],
  ] as const)("where %j is %s", (where, expected) => {
    expect(matchesWhere(where, context)).toBe(expected);
  });

  it("matches a session without context only where nothing is asked", () => {
    expect(matchesWhere(undefined, null)).toBe(true);
    expect(matchesWhere({}, null)).toBe(true);
    expect(matchesWhere({ plan: "free" }, null)).toBe(false);
  });
});

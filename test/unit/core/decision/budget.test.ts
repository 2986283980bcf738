import { describe, expect, it } from "vitest";
import { budgetOf, fitsBudget, type StartedTest } from "../../../../src/core/decision/budget.js";
import { createRandom } from "../../../../src/core/random.js";

const DAY_MS = 86_400_000;
const SEED = 20_261_121;

const test = (day: number, alpha: number | null = 0.05): StartedTest => ({
  alpha,
  startedAtMs: day * DAY_MS,
});

describe("budgetOf", () => {
  it("adds up the levels of all that have started, whatever has become of them", () => {
    const budget = budgetOf({ limit: 0.5, windowMs: null }, [test(0), test(1), test(2, null)], 9 * DAY_MS);
    expect(budget).toEqual({ limit: 0.5, windowMs: null, spent: 0.1, left: 0.4, freesAtMs: null });
    expect(budgetOf({ limit: 0.5, windowMs: null }, [test(0)], 1000).left).toBe(0.45);
  });

  it("counts what has started within its window, and says when the oldest leaves it", () => {
    const terms = { limit: 0.1, windowMs: 10 * DAY_MS };
    const started = [test(0), test(4), test(6)];
    expect(budgetOf(terms, started, 9 * DAY_MS)).toMatchObject({ left: 0, freesAtMs: 10 * DAY_MS });
    expect(budgetOf(terms, started, 10 * DAY_MS)).toMatchObject({ spent: 0.1, freesAtMs: 14 * DAY_MS });
    expect(budgetOf(terms, started, 99 * DAY_MS)).toMatchObject({ spent: 0, left: 0.1, freesAtMs: null });
  });

  it("is spent to the last level, roundings aside", () => {
    const ten = Array.from({ length: 10 }, (_, day) => test(day));
    const nine = budgetOf({ limit: 0.5, windowMs: null }, ten.slice(1), DAY_MS);
    expect(fitsBudget(nine, 0.05)).toBe(true);
    const all = budgetOf({ limit: 0.5, windowMs: null }, ten, DAY_MS);
    expect(all.left).toBe(0);
    expect(fitsBudget(all, 0.05)).toBe(false);
    expect(fitsBudget(all, 1e-6)).toBe(false);
    expect(fitsBudget(nine, null)).toBe(false);
  });

  it.each([
    [{ limit: 0, windowMs: null }, []],
    [{ limit: 1001, windowMs: null }, []],
    [{ limit: Number.NaN, windowMs: null }, []],
    [{ limit: 1, windowMs: 0 }, []],
    [{ limit: 1, windowMs: null }, [test(0, 1)]],
  ])("refuses what is no budget: %j", (terms, started) => {
    expect(() => budgetOf(terms, started, 0)).toThrow(expect.objectContaining({ code: "numeric_domain" }));
  });

  it(`bounds the false promotions of streams of duds that start one after the other (seed ${SEED})`, () => {
    const random = createRandom(SEED);
    const [streams, limit] = [4000, 0.3];
    let promoted = 0;
    for (let stream = 0; stream < streams; stream += 1) {
      const started: StartedTest[] = [];
      let alpha = 0.05;
      while (fitsBudget(budgetOf({ limit, windowMs: null }, started, 0), alpha)) {
        started.push({ alpha, startedAtMs: 0 });
        const isPromoted = random.next() < alpha;
        promoted += Number(isPromoted);
        // The next level may depend on what has happened, as e-LOND's does.
        alpha = isPromoted ? 0.1 : 0.03;
      }
    }
    const deviation = Math.sqrt((limit * 2) / streams);
    expect(promoted / streams).toBeLessThan(limit + 4 * deviation);
    expect(promoted / streams).toBeGreaterThan(0.8 * limit);
  });
});

import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { armsTable, decidingNumbers, othersTable } from "../../../src/cli/evaluation-views.js";
import { evaluate } from "../../../src/core/decision/evaluation.js";
import type { PolicyInput } from "../../../src/core/decision/policy.js";
import { foldAll, simulatedContest, termsOf } from "../../support/evidence.js";

const plain = picocolors.createColors(false);

function contest(input: PolicyInput, rates: readonly number[]) {
  const shares = rates.slice(1).map(() => 0.3);
  const terms = termsOf({ horizon: 500, ...input }, shares);
  const units = simulatedContest({ count: 200, shares, rates, seed: 5 });
  const evaluation = evaluate({ ...terms, evidence: foldAll(units, terms), units });
  const ruling = { verdict: "continue", reason: "collecting" } as const;
  return { evaluation, policy: terms.policy, ruling };
}

const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

describe("an evaluation", () => {
  it("of one challenger has no numbers after its name, and nobody else", () => {
    const { evaluation } = contest({}, [0.5, 0.6]);
    expect(armsTable(evaluation.arms, plain)).toMatch(/^challenger {2}/m);
    expect(othersTable(evaluation, plain)).toBe("");
  });

  it("of several says who leads, and how the others do", () => {
    const { evaluation } = contest({}, [0.5, 0.7, 0.1]);
    expect(armsTable(evaluation.arms, plain)).toMatch(/^challenger 1 [\s\S]*^challenger 2 /m);
    const others = othersTable(evaluation, plain);
    expect(others).toContain("about challenger 1, which leads");
    expect(others).toMatch(/challenger 2 +< 0.001 .* points +out \(harm\)/);
    expect(widest(others)).toBeLessThanOrEqual(80);
  });

  it("tells the bar, and the unbiased uplift where the share has moved", () => {
    const explained = contest({ minUplift: -0.1 }, [0.5, 0.6]);
    const told = decidingNumbers(explained, plain, { hasMoved: true });
    expect(told).toMatch(/^P\(> -10.0 points\) +[\d.]+ +0.95 or more to promote$/m);
    expect(told).toMatch(/^uplift, unbiased +[-+][\d.]+ points +free of drift$/m);
    expect(told).toMatch(/^promotion chance +[\d.]+ % +by 500 sessions$/m);
    expect(widest(told)).toBeLessThanOrEqual(80);
    expect(decidingNumbers(explained, plain)).not.toContain("unbiased");
  });

  it("of the plain rule says that the evidence does not decide", () => {
    const told = decidingNumbers(contest({ kind: "threshold" }, [0.5, 0.6]), plain);
    expect(told.match(/does not decide here/g)).toHaveLength(2);
    expect(told).not.toContain("promotion chance");
  });
});

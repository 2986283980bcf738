import { describe, expect, it } from "vitest";
import type { Reason, Ruling } from "../../../src/core/decide.js";
import { evaluate } from "../../../src/core/evaluation.js";
import { type Explained, explain } from "../../../src/core/explain.js";
import { createPolicy, DEFAULT_POLICY } from "../../../src/core/policy.js";
import { foldAll, simulatedUnits } from "../../support/evidence.js";

const units = simulatedUnits({ count: 600, share: 0.3, champion: 0.5, uplift: 0.2, seed: 21 });
const evidence = foldAll(units, DEFAULT_POLICY, 0.3);
const evaluation = evaluate({ policy: DEFAULT_POLICY, planShare: 0.3, evidence, units });

describe("evaluate", () => {
  it("puts every number side by side, consistently", () => {
    const [champion, challenger] = evaluation.arms;
    expect(champion).toMatchObject({ role: "champion", sessionCount: evidence.champion.count });
    expect(evaluation.sessionCount).toBe(600);
    expect(evaluation.upliftMean).toBeCloseTo(challenger!.mean - champion!.mean, 14);
    expect(evaluation.expectedLossChampion - evaluation.expectedLossChallenger).toBeCloseTo(
      evaluation.upliftMean,
      12,
    );
    expect(evaluation.upliftInterval[0]).toBeLessThan(evaluation.upliftMean);
    expect(evaluation.upliftInterval[1]).toBeGreaterThan(evaluation.upliftMean);
    expect(evaluation.logLinePromote).toBeCloseTo(Math.log(20), 14);
    expect(evaluation.logLineHarm).toBeCloseTo(Math.log(10), 14);
    expect(evaluation.probabilityBetterBy).toBe(evaluation.probabilityBetter);
  });

  it("leaves missing units out of the confidence sequence", () => {
    const missing = units.map((unit) => ({ ...unit, score: null }));
    const empty = foldAll(missing, DEFAULT_POLICY, 0.3);
    const nothing = evaluate({ policy: DEFAULT_POLICY, planShare: 0.3, evidence: empty, units: missing });
    expect(nothing.upliftInterval).toEqual([-1, 1]);
    expect(nothing.sessionCount).toBe(0);
    expect(nothing.probabilityBetter).toBeCloseTo(0.5, 13);
  });
});

describe("explain", () => {
  const explained = (
    reason: Reason,
    verdict: Ruling["verdict"] = "hold",
    more: Partial<Explained> = {},
  ): readonly string[] =>
    explain({ ruling: { verdict, reason }, evaluation, policy: DEFAULT_POLICY, ...more });

  it("says how both arms did and where the difference lies", () => {
    const [first] = explained("evidence", "promote");
    expect(first).toMatch(
      /^The challenger succeeded in \d+\.\d % of \d+ sessions, the champion in \d+\.\d % of \d+; /,
    );
    expect(first).toMatch(/between [+-]\d+\.\d and \+\d+\.\d points/);
  });

  it("says what was promoted on, and what that is worth", () => {
    expect(explained("evidence", "promote")[1]).toMatch(
      /times, and P\(better\) is .*: a challenger that is no better gets this far in at most 5\.0 % of experiments/,
    );
    const threshold = { policy: createPolicy("threshold") };
    expect(explained("evidence", "promote", threshold)[1]).toContain("no guaranteed error rate");
    expect(explained("awaiting-approval", "continue")[1]).toContain("A person has to approve");
  });

  it.each<[Reason, Ruling["verdict"], string]>([
    ["manual", "abort", "A person decided to abort it."],
    ["futility", "hold", "ever be promoted fell to"],
    ["horizon", "hold", "The planned 2000 sessions are used up"],
    ["expired", "hold", "outlived its maximum duration"],
    ["declined", "hold", "declined"],
    ["harm", "abort", "the challenger is worse reached"],
    ["guardrail", "abort", "guardrail"],
    ["srm", "abort", "the comparison is broken"],
    ["fuse", "abort", "fuse"],
    ["champion-changed", "abort", "changed by hand"],
    ["collecting", "continue", "The chance of a promotion by the planned 2000 sessions is"],
    ["data-exhausted", "continue", "ran out before a decision"],
  ])("%s", (reason, verdict, text) => {
    const lines = explained(reason, verdict);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(text);
    for (const line of lines) expect(line).toMatch(/^[A-Z].*\.$/);
  });

  it("never rounds to certainty, and reads at any size of evidence", () => {
    const with_ = (change: object) =>
      explained("collecting", "continue", { evaluation: { ...evaluation, ...change } })[1];
    expect(with_({ probabilityBetter: 1 - 1e-9 })).toContain("above 0.999");
    expect(with_({ probabilityBetter: 1e-9 })).toContain("below 0.001");
    expect(with_({ probabilityBetter: 0.5 })).toContain("0.500");
    expect(with_({ logSupPromote: Math.log(250) })).toContain("250 times");
    expect(with_({ logSupPromote: 40 })).toContain("over a million times");
    expect(with_({ logSupPromote: 0 })).toContain("1.00 times of the 20 times");
  });

  it("speaks of scores, not success, where scores are graded, and of arms without sessions", () => {
    const halves = units.map((unit) => ({ ...unit, score: unit.score ? 0.75 : 0.25 }));
    const graded = evaluate({
      policy: DEFAULT_POLICY,
      planShare: 0.3,
      evidence: foldAll(halves, DEFAULT_POLICY, 0.3),
      units: halves,
    });
    expect(explained("collecting", "continue", { evaluation: graded })[0]).toMatch(
      /^The challenger scored 0\.\d+ on average over/,
    );
    const none = evaluate({
      policy: DEFAULT_POLICY,
      planShare: 0.3,
      evidence: foldAll([], DEFAULT_POLICY, 0.3),
      units: [],
    });
    expect(explained("collecting", "continue", { evaluation: none })[0]).toContain(
      "the champion has no settled session",
    );
  });
});

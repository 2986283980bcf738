import { describe, expect, it } from "vitest";
import type { Reason, Ruling } from "../../../../src/core/decision/decide.js";
import {
  type Evaluation,
  evaluate,
  type GuardrailEvaluation,
} from "../../../../src/core/decision/evaluation.js";
import { type Explained, explain } from "../../../../src/core/decision/explain.js";
import { createPolicy, DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import { foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

const TERMS = termsOf({}, [0.3]);
const units = simulatedUnits({ count: 600, share: 0.3, champion: 0.5, uplift: 0.2, seed: 21 });
const evaluation = evaluate({ ...TERMS, evidence: foldAll(units, TERMS), units });

const EVERY_REASON: readonly [Reason, Ruling["verdict"], string][] = [
  ["evidence", "promote", "The evidence that it is better reached"],
  ["awaiting-approval", "continue", "A person has to approve the promotion."],
  ["manual", "abort", "A person decided to abort it."],
  ["futility", "hold", "ever be promoted fell to"],
  ["horizon", "hold", "The planned 2000 sessions are used up"],
  ["expired", "hold", "outlived its maximum duration"],
  ["declined", "hold", "declined"],
  ["harm", "abort", "the challenger is worse reached"],
  ["guardrail", "abort", "The challenger made latency_ms worse"],
  ["srm", "abort", "the comparison is broken"],
  ["fuse", "abort", "fuse"],
  ["champion-changed", "abort", "changed by hand"],
  ["collecting", "continue", "The chance of a promotion by the planned 2000 sessions is"],
  ["data-exhausted", "continue", "ran out before a decision"],
];

const explained = (
  reason: Reason,
  verdict: Ruling["verdict"] = "hold",
  more: Partial<Explained> = {},
): readonly string[] => explain({ ruling: { verdict, reason }, evaluation, policy: DEFAULT_POLICY, ...more });

const guardrail: GuardrailEvaluation = {
  metric: "latency_ms",
  direction: "lower",
  margin: 0.1,
  mode: "abort",
  sessionCount: 300,
  logE: 3,
  logSup: 3.2,
  logLine: Math.log(20),
  isCrossed: true,
};

/** An evaluation that is still open, with some of its numbers changed. */
const open = (change: Partial<Evaluation>): Evaluation => ({
  ...evaluation,
  probabilityBetter: 0.9,
  probabilityBetterBy: 0.9,
  logSupPromote: 1,
  guardrails: [],
  ...change,
});

const collecting = (change: Partial<Evaluation>, policy = DEFAULT_POLICY): string =>
  explained("collecting", "continue", { evaluation: open(change), policy })[1] as string;

/** A sentence ends with a full stop before a space or the end; numbers have no space after their point. */
const sentences = (lines: readonly string[]): number =>
  lines.reduce((total, line) => total + [...line.matchAll(/\.(?= |$)/g)].length, 0);

describe("explain", () => {
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

  it.each(EVERY_REASON)("%s: says why", (reason, verdict, text) => {
    const guarded = { evaluation: { ...evaluation, guardrails: [guardrail] } };
    const lines = explained(reason, verdict, guarded);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(text);
    for (const line of lines) expect(line).toMatch(/^[A-Z].*\.$/);
  });

  it("needs at most three sentences, whatever the ruling, the policy and the state", () => {
    const states: Partial<Evaluation>[] = [
      {},
      { probabilityBetter: 0.97, probabilityBetterBy: 0.97 },
      { logSupPromote: 4 },
      { logSupPromote: 4, missingLogE: 3 },
      { logSupPromote: 4, guardrails: [{ ...guardrail, mode: "require", isCrossed: false }, guardrail] },
    ];
    const policies = [DEFAULT_POLICY, createPolicy("threshold"), createPolicy({ minPerArm: 1000 })];
    for (const state of states) {
      for (const policy of policies) {
        for (const [reason, verdict] of EVERY_REASON) {
          const lines = explained(reason, verdict, { evaluation: open(state), policy });
          expect(sentences(lines), lines.join(" ")).toBeLessThanOrEqual(3);
          expect(sentences(lines), lines.join(" ")).toBeGreaterThanOrEqual(2);
        }
      }
    }
  });

  it("claims no more than was tested: with a bar below 0, not that the challenger is better", () => {
    const policy = createPolicy({ minUplift: -0.03 });
    const promoted = explained("evidence", "promote", { policy })[1];
    expect(promoted).toContain("its uplift is above -3.0 points");
    expect(promoted).toContain("with an uplift of -3.0 points or less gets this far in at most 5.0 %");
    expect(promoted).not.toContain("better");
  });

  it("says which proof is missing where the experiment ends without it", () => {
    const required = { ...guardrail, mode: "require", isCrossed: false } as const;
    for (const [reason, verdict] of [
      ["horizon", "hold"],
      ["data-exhausted", "continue"],
    ] as const)
      expect(explained(reason, verdict, { evaluation: open({ guardrails: [required] }) })[1]).toContain(
        "the proof required on latency_ms is missing",
      );
  });

  it("never rounds to certainty, and reads at any size of evidence", () => {
    expect(collecting({ probabilityBetter: 1 - 1e-9, probabilityBetterBy: 1 - 1e-9 })).toContain(
      "above 0.999",
    );
    expect(collecting({ probabilityBetter: 1e-9, probabilityBetterBy: 1e-9 })).toContain("below 0.001");
    expect(collecting({ probabilityBetter: 0.5, probabilityBetterBy: 0.5 })).toContain("0.500");
    expect(collecting({ logSupPromote: 0 })).toContain("1.00 times of the 20 times");
    const atEnd = (logSupPromote: number) =>
      explained("horizon", "hold", { evaluation: { ...evaluation, logSupPromote } })[1];
    expect(atEnd(Math.log(250))).toContain("250 times");
    expect(atEnd(40)).toContain("over a million times");
  });

  it.each<[readonly [number, number], string]>([
    [[-0.1234, 0.0567], "between -12.3 and +5.7 points."],
    [[0, 1], "between +0.0 and +100.0 points."],
    [[-1, 0], "between -100.0 and +0.0 points."],
  ])("tells the difference %j in points with its sign", (upliftInterval, text) => {
    const [first] = explained("collecting", "continue", { evaluation: open({ upliftInterval }) });
    expect(first?.endsWith(text), first).toBe(true);
  });

  it("tells a probability to three digits up to where these would be certainty, evidence to three or whole", () => {
    const at = (change: Partial<Evaluation>) =>
      explained("expired", "hold", { evaluation: open(change) })[1] as string;
    expect(at({ probabilityBetterBy: 0.999 })).toContain("P(better) at 0.999,");
    expect(at({ probabilityBetterBy: 0.001 })).toContain("P(better) at 0.001,");
    expect(at({ logSupPromote: Math.log(99.54) })).toContain(" 99.5 times ");
    expect(at({ logSupPromote: Math.log(1234.4) })).toContain(" 1234 times ");
    expect(at({ logSupPromote: Math.log(999_999) })).toContain(" 999999 times ");
  });

  it.each([
    [0.05, "20 times"],
    [0.02, "50 times"],
    [0.01, "100 times"],
    [0.005, "200 times"],
    [0.001, "1000 times"],
    [0.05 / 3, "60 times"],
    [0.3, "3.33 times"],
  ])("names the line of alpha %d as it is: %s", (alpha, line) => {
    expect(collecting({ logLinePromote: -Math.log(alpha), logSupPromote: 0.5 })).toContain(
      `of the ${line} needed`,
    );
  });

  it("speaks of scores, not success, where scores are graded, and of arms without sessions", () => {
    const halves = units.map((unit) => ({ ...unit, score: unit.score ? 0.75 : 0.25 }));
    const graded = evaluate({ ...TERMS, evidence: foldAll(halves, TERMS), units: halves });
    expect(explained("collecting", "continue", { evaluation: graded })[0]).toMatch(
      /^The challenger scored 0\.\d+ on average over \d+ sessions, the champion 0\.\d+ over \d+;/,
    );
    const none = evaluate({ ...TERMS, evidence: foldAll([], TERMS), units: [] });
    expect(explained("collecting", "continue", { evaluation: none })[0]).toMatch(
      /^The challenger has no settled session, the champion has no settled session; .* between -100\.0 and \+100\.0/,
    );
    const alone = units.filter(({ arm }) => arm === 0);
    const champion = evaluate({ ...TERMS, evidence: foldAll(alone, TERMS), units: alone });
    expect(explained("collecting", "continue", { evaluation: champion })[0]).toMatch(
      /^The challenger has no settled session, the champion succeeded in \d+\.\d % of \d+ sessions;/,
    );
  });

  it("is about the leading challenger of several", () => {
    const three = termsOf({}, [0.3, 0.3]);
    const contest = simulatedContest({ count: 400, shares: [0.3, 0.3], rates: [0.5, 0.2, 0.7], seed: 5 });
    const several = evaluate({ ...three, evidence: foldAll(contest, three), units: contest });
    const { sessionCount } = several.arms[2]!;
    expect(explained("collecting", "continue", { evaluation: several })[0]).toContain(
      `of ${sessionCount} sessions`,
    );
    expect(several.logLinePromote).toBeCloseTo(Math.log(40), 12);
  });
});

describe("why it is not promoted", () => {
  it("says so where P(better) alone would do: looking often fools it", () => {
    const text = collecting({ probabilityBetter: 0.97, probabilityBetterBy: 0.97 });
    expect(text).toMatch(
      /^P\(better\) is 0\.970, but an equal challenger often gets that far when one looks/,
    );
    expect(text).toContain("stands at 2.72 times of the 20 times needed");
  });

  it("says how far the evidence is while neither is reached", () => {
    expect(collecting({})).toMatch(
      /^The evidence that it is better stands at 2\.72 times of the 20 times needed, /,
    );
  });

  it("says that an arm is too small", () => {
    const policy = createPolicy({ minPerArm: 500 });
    expect(collecting({ logSupPromote: 4 }, policy)).toMatch(/^An arm has fewer than the 500 sessions/);
    const smaller = Math.min(...evaluation.arms.map(({ sessionCount }) => sessionCount));
    const needing = (minPerArm: number) => collecting({ logSupPromote: 4 }, createPolicy({ minPerArm }));
    expect(needing(smaller + 1)).toMatch(/^An arm has fewer/);
    expect(needing(smaller)).toMatch(/^The evidence is in, but/);
  });

  it("takes evidence at its line for enough, whatever the last digit, and P(better) at tau", () => {
    const { logLinePromote } = evaluation;
    expect(collecting({ logSupPromote: logLinePromote - 1e-10 })).toMatch(/^The evidence is in, but/);
    expect(collecting({ logSupPromote: logLinePromote - 1e-8 })).toMatch(
      /^The evidence that it is better stands/,
    );
    expect(collecting({ probabilityBetter: 0.95 })).toMatch(
      /^P\(better\) is 0\.950, but an equal challenger/,
    );
    expect(collecting({ probabilityBetter: 0.9499 })).toMatch(/^The evidence that it is better stands/);
  });

  it("asks no proof of a guardrail that only aborts", () => {
    const quiet = { ...guardrail, isCrossed: false };
    expect(collecting({ logSupPromote: 4, guardrails: [quiet] })).toMatch(/^The evidence is in, but/);
  });

  it("says that outcomes seem to go missing in one arm", () => {
    expect(collecting({ logSupPromote: 4, missingLogE: 0.7 })).toContain(
      "one arm seems to lose more outcomes",
    );
    expect(collecting({ logSupPromote: 4, missingLogE: 0.6 })).not.toContain("lose");
    expect(collecting({ logSupPromote: 4, missingLogE: Math.LN2 })).not.toContain("lose");
  });

  it("names the metrics that still need proof, with their segments", () => {
    const required = { ...guardrail, mode: "require", isCrossed: false, logSup: Math.log(4) } as const;
    const segment = { ...required, metric: "cost_usd", where: { plan: "free", trial: true } };
    const text = collecting({ logSupPromote: 4, guardrails: [required, segment] });
    expect(text).toContain("proof on latency_ms and cost_usd where plan = free and trial = true");
    expect(text).toContain("4.00 times of the 20 times needed");
    const proven = collecting({ logSupPromote: 4, guardrails: [{ ...required, isCrossed: true }] });
    expect(proven).not.toContain("proof");
  });

  it("says that P(better) has fallen back, by the uplift asked for", () => {
    const text = collecting({ logSupPromote: 4, probabilityBetter: 0.99, probabilityBetterBy: 0.9 });
    expect(text).toMatch(/^The evidence is in, but P\(better\) is 0\.900 and 0\.95 is needed\./);
  });

  it("tells the plain rule from the calibrated one: no evidence, no missingness", () => {
    const threshold = createPolicy("threshold");
    const text = collecting({ missingLogE: 5 }, threshold);
    // Nor a chance of promotion, which is that of the calibrated test.
    expect(text).toBe("P(better) is 0.900, and above 0.95 is needed.");
    expect(collecting({}, createPolicy({ kind: "threshold", minPerArm: 500 }))).toContain(
      "fewer than the 500",
    );
  });
});

describe("why it was aborted by a guardrail", () => {
  const names = (guardrails: readonly GuardrailEvaluation[]) =>
    explained("guardrail", "abort", { evaluation: { ...evaluation, guardrails } })[1];

  it("names those that have crossed, with their segments, and none that are only required", () => {
    const segment = { ...guardrail, metric: "score", where: { lang: "de" } };
    const required = { ...guardrail, metric: "cost_usd", mode: "require" } as const;
    const quiet = { ...guardrail, metric: "tokens", isCrossed: false };
    expect(names([guardrail, segment, required, quiet])).toBe(
      "The challenger made latency_ms and score where lang = de worse by more than is allowed, so all traffic goes back to the champion.",
    );
  });
});

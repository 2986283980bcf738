import { describe, expect, it } from "vitest";
import { cli } from "../support/cli.js";

describe("dethrone simulate", () => {
  it("--json prints one document of fractions and sessions, the same bytes every time", async () => {
    const args = [
      "simulate",
      "--json",
      "--runs",
      "150",
      "--effect",
      "0.1",
      "--horizon",
      "500",
      "--seed",
      "3",
    ];
    const [first, second] = [await cli(...args), await cli(...args)];
    expect(first.code).toBe(0);
    expect(second.out).toBe(first.out);
    const report = JSON.parse(first.out);
    expect(report).toMatchObject({
      baseRate: 0.6,
      effect: 0.1,
      share: 0.2,
      horizon: 500,
      runs: 150,
      seed: 3,
    });
    expect(report.policies.map((row: { policy: string }) => row.policy)).toEqual(["calibrated", "threshold"]);
    for (const row of report.policies) {
      expect(row.promoted + row.held + row.aborted).toBeCloseTo(1, 9);
      expect(row.promotedWrongly).toBe(0);
      expect(row.sessionsMedian).toBeLessThanOrEqual(row.sessionsP90);
      expect(row.challengerSessionsMean).toBeLessThan(row.sessionsMean);
    }
  });

  it("prints words, a table and a chart for people", async () => {
    const { code, out } = await cli("simulate", "--runs", "20", "--horizon", "200");
    expect(code).toBe(0);
    expect(out).toContain("With no difference, 'calibrated' promoted the challenger in");
    expect(out).toContain("sessions to the decision, mean");
    expect(out).toContain("0 sessions");
  });

  it.each([
    [["--base-rate", "2"], "settings_invalid"],
    [["--policy", "bold"], "usage_invalid"],
    [["--share", "0.001"], "share_out_of_range"],
    [["--tau", "2"], "policy_invalid"],
  ])("%j exits with 2 and %s", async (flags, code) => {
    const { code: exit, out } = await cli("simulate", "--json", ...flags);
    expect(exit).toBe(2);
    expect(JSON.parse(out).error.code).toBe(code);
  });
});

describe("dethrone plan", () => {
  it("--json prints power and days", async () => {
    const args = [
      "plan",
      "--json",
      "--runs",
      "50",
      "--effect",
      "0.2",
      "--sessions-per-day",
      "50",
      "--within",
      "10d",
    ];
    const { code, out } = await cli(...args);
    expect(code).toBe(0);
    const plan = JSON.parse(out);
    expect(plan).toMatchObject({ baseRate: 0.6, effect: 0.2, share: 0.2, sessionsPerDay: 50, horizon: 500 });
    expect(plan.daysMean).toBeLessThanOrEqual(10);
    expect(plan.daysP90).toBeGreaterThanOrEqual(plan.daysMean / 2);
    expect(plan.power).toBeGreaterThan(0.7);
    expect(plan.smallestEffect).toBeGreaterThan(0.1);
    expect(plan.alternatives).toHaveLength(5);
  });
});

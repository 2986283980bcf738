import { describe, expect, it } from "vitest";
import { createTestClock, createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { temporaryDatabase } from "../support/temporary.js";

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
    [["--policy", "bold"], "policy_invalid"],
    [["--compare", "bold"], "usage_invalid"],
    [["--share", "0.001"], "share_out_of_range"],
    [["--tau", "2"], "policy_invalid"],
  ])("%j exits with 2 and %s", async (flags, code) => {
    const { code: exit, out } = await cli("simulate", "--json", ...flags);
    expect(exit).toBe(2);
    expect(JSON.parse(out).error.code).toBe(code);
  });
});

describe("a project's own sessions", () => {
  /** A project whose champion scores 0.5 and whose challenger 1, over some days. */
  async function ownDatabase(count: number): Promise<string> {
    const path = temporaryDatabase();
    // Sessions of the last days, on a clock of their own, so that both commands see them as recent.
    const clock = createTestClock(Date.now() - 2 * 86_400_000);
    const test = await createTestEngine({ url: path, seed: 5, clock });
    const bot = await test.engine.project("support", { champion: { prompt: "long" } });
    await bot.challenge({ prompt: "short" }, { share: 0.5, policy: { minPerArm: 100_000 } });
    // Ids depend on the clock, and arms on the ids: the champion's scores are alternated by their own count.
    let champions = 0;
    await test.runSessions(count, async () => {
      clock.advance(60_000);
      const session = await bot.session();
      champions += session.arm === "champion" ? 1 : 0;
      await session.end({ score: session.arm === "challenger" ? 1 : champions % 2 });
    });
    await test.close();
    return path;
  }

  it("are drawn from by simulate, and tell plan the success rate and the traffic", async () => {
    const path = await ownDatabase(200);
    const flags = ["--db", path, "--json", "--runs", "20", "--project", "support"];
    const simulated = JSON.parse((await cli("simulate", ...flags, "--horizon", "300")).out);
    expect(simulated).toMatchObject({ isRecorded: true, policies: [{ promoted: 1 }, { promoted: 1 }] });
    expect(simulated.baseRate).toBeCloseTo(0.5, 1);
    expect(simulated.effect).toBeCloseTo(0.5, 1);
    const planned = JSON.parse((await cli("plan", ...flags, "--effect", "0.2")).out);
    expect(planned.baseRate).toBeCloseTo(0.5, 1);
    expect(planned.sessionsPerDay).toBeGreaterThan(90);
    expect(planned.sessionsPerDay).toBeLessThan(110);
  });

  it("are too few to go by in a young project, which is said", async () => {
    const path = await ownDatabase(10);
    for (const command of ["simulate", "plan"]) {
      const { code, out } = await cli(command, "--db", path, "--json", "--project", "support");
      expect(code).toBe(2);
      expect(JSON.parse(out).error).toMatchObject({ code: "input_invalid", details: { project: "support" } });
    }
    const { code } = await cli("plan", "--db", path, "--json", "--project", "nobody");
    expect(code).toBe(3);
  });

  it("a horizon and a time are not both", async () => {
    const { code, out } = await cli("plan", "--json", "--horizon", "100", "--within", "7d");
    expect(code).toBe(2);
    expect(JSON.parse(out).error.code).toBe("usage_invalid");
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

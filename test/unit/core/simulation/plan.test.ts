import { describe, expect, it } from "vitest";
import { createPlan, type PlanInput, planOf, planSimulations } from "../../../../src/core/simulation/plan.js";
import { horizonFor, smallestEffect } from "../../../../src/core/simulation/planning.js";
import { simulateRuns } from "../../../../src/core/simulation/simulate.js";
import { summarise } from "../../../../src/core/simulation/simulation-summary.js";

const PROJECT: PlanInput = { baseRate: 0.6, effect: 0.2, sessionsPerDay: 50 };

const planned = (input: PlanInput, runs = 60): ReturnType<typeof planOf> => {
  const settings = createPlan(input);
  const summaries = planSimulations(settings).map((simulation) =>
    summarise(simulation, [simulateRuns(simulation, 0, runs)]),
  );
  return planOf(settings, summaries);
};

describe("plan", () => {
  it("takes the horizon that the wanted power needs", () => {
    const { horizon, daysMax, share, powerWanted, alpha } = createPlan(PROJECT);
    expect(horizon).toBe(horizonFor({ baseRate: 0.6, effect: 0.2, share: 0.2, alpha: 0.05, power: 0.8 }));
    expect({ share, powerWanted, alpha }).toEqual({ share: 0.2, powerWanted: 0.8, alpha: 0.05 });
    expect(daysMax).toBeCloseTo(horizon / 50, 12);
    expect(createPlan({ baseRate: 0.6, sessionsPerDay: 1 }).effect).toBe(0.1);
  });

  it("or the horizon given, or as many sessions as there are in the time given", () => {
    expect(createPlan({ ...PROJECT, horizon: 777 }).horizon).toBe(777);
    expect(createPlan({ ...PROJECT, withinDays: 14 }).horizon).toBe(700);
    expect(createPlan({ ...PROJECT, withinDays: 0.001 }).horizon).toBe(1);
  });

  it("days are sessions over sessions a day, power is what the simulation promotes", () => {
    const settings = createPlan({ ...PROJECT, horizon: 200, share: 0.5 });
    const [simulation] = planSimulations(settings).slice(-1);
    const summary = summarise(simulation!, [simulateRuns(simulation!, 0, 60)]);
    const plan = planned({ ...PROJECT, horizon: 200, share: 0.5 });
    expect(plan).toMatchObject({
      power: summary.promoted,
      daysMean: summary.sessionsMean / 50,
      daysP90: summary.sessionsP90 / 50,
      challengerSessionsMean: summary.challengerSessionsMean,
    });
  });

  it("shows the same experiment at other shares, its own among them", () => {
    const plan = planned({ ...PROJECT, horizon: 200, share: 0.15 });
    expect(plan.alternatives.map(({ share }) => share)).toEqual([0.05, 0.1, 0.15, 0.2, 0.3, 0.5]);
    expect(plan.alternatives[2]!.power).toBe(plan.power);
    expect(planned({ ...PROJECT, horizon: 200 }).alternatives).toHaveLength(5);
    expect(plan.alternatives[5]!.power).toBeGreaterThan(plan.alternatives[0]!.power);
  });

  it("says the smallest effect its horizon finds", () => {
    const plan = planned({ ...PROJECT, horizon: 200 }, 1);
    const wanted = { baseRate: 0.6, share: 0.2, horizon: 200, alpha: 0.05, power: 0.8 };
    expect(plan.smallestEffect).toBe(smallestEffect(wanted));
    expect(planned({ ...PROJECT, horizon: 10 }, 1).smallestEffect).toBeNull();
  });

  it.each([
    [{ effect: 0 }, "effect"],
    [{ effect: -0.1 }, "effect"],
    [{ effect: 1e-5 }, "effect"],
    [{ effect: 0.6 }, "baseRate + effect"],
    [{ sessionsPerDay: 0 }, "sessionsPerDay"],
    [{ sessionsPerDay: Number.NaN }, "sessionsPerDay"],
    [{ withinDays: 0 }, "withinDays"],
    [{ power: 1 }, "power"],
    [{ share: 0 }, "share"],
  ])("refuses %j", (input, field) => {
    const wanted = { code: "settings_invalid", details: expect.objectContaining({ field }) };
    expect(() => createPlan({ ...PROJECT, ...input })).toThrow(expect.objectContaining(wanted));
  });

  it.each([
    [{ effect: 0 }, "A challenger that is no better is never found: give an effect above 0, or a horizon."],
    [{ effect: 1e-5 }, "An effect this small takes over 10000000 sessions: give a larger effect or share."],
    [{ sessionsPerDay: 2e9 }, "sessionsPerDay must be a number in (0, 1e9]; received 2000000000."],
    [{ withinDays: -1 }, "withinDays must be a number above 0; received -1."],
    [{ share: 0 }, "share must be a number in [0.01, 0.99]; received 0."],
    [{ power: 0.9999 }, "power must be a number in [0.01, 0.999]; received 0.9999."],
  ])("says of %j what would be right", (input, message) => {
    expect(() => createPlan({ ...PROJECT, ...input })).toThrow(message);
  });

  it("takes a billion sessions a day", () => {
    expect(createPlan({ ...PROJECT, sessionsPerDay: 1e9, horizon: 1000 }).daysMax).toBe(1e-6);
  });

  it("refuses a horizon that no policy has", () => {
    const invalid = expect.objectContaining({ code: "policy_invalid" });
    expect(() => planSimulations(createPlan({ ...PROJECT, horizon: 0.5 }))).toThrow(invalid);
    expect(() => createPlan({ ...PROJECT, alpha: 0 })).toThrow(invalid);
  });
});

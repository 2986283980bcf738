import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { planned } from "../../../src/cli/commands/plan.js";
import {
  type NamedSimulation,
  type SimulateFlags,
  simulationReport,
  simulationsOf,
  withoutDifference,
} from "../../../src/cli/commands/simulate.js";
import { textWidth } from "../../../src/cli/render.js";
import { planText, simulationText } from "../../../src/cli/simulation-views.js";
import { createSimulation, simulateRuns } from "../../../src/core/simulation/simulate.js";
import { temporaryFolder } from "../../support/temporary.js";

const FLAGS: SimulateFlags = {
  baseRate: "0.6",
  effect: "0",
  share: "0.2",
  horizon: "200",
  runs: "100",
  seed: "1",
  challengers: "1",
  delay: "0",
  missing: "0",
};
const plain = picocolors.createColors(false);
const colored = picocolors.createColors(true);

async function textOf(flags: Partial<SimulateFlags>, width = 80, colors = plain): Promise<string> {
  const report = await simulationReport(simulationsOf({ ...FLAGS, ...flags }), 20, () => undefined);
  return simulationText(report, { colors, width });
}

describe("simulate, for people", () => {
  it("says first who promoted how often where nothing differs", async () => {
    const text = await textOf({}, 200);
    expect(text).toMatch(
      /^With no difference, 'calibrated' promoted the challenger in \d+\.\d % of 20 experiments; 'threshold' in \d+\.\d %\.\n/,
    );
    expect(text).toContain("'calibrated' keeps false promotions at 5 % or less");
    expect(text).toMatch(/promoted, falsely +\d+\.\d % ± \d\.\d +\d+\.\d % ± \d\.\d/);
    expect(text).toContain("alpha 5 %");
  });

  it("with a difference, says what the same policy does without one too", async () => {
    const text = await textOf({ effect: "0.1" });
    expect(text).toMatch(/^With a challenger 10 points better, 'calibrated' promoted it in/);
    expect(text).toMatch(/With no difference, 'calibrated' would have promoted it in/);
    expect(text).toMatch(/with no difference +\d/);
    expect(text).toContain("uplift seen at promotion");
  });

  it("a worse challenger has no power to be spoken of", async () => {
    const text = await textOf({ effect: "-0.01", policy: "calibrated" });
    expect(text).toContain("With a challenger 1 point worse, 'calibrated' promoted it in");
    expect(text).not.toContain("would have");
    expect(text).not.toContain("threshold");
  });

  it("names each of several challengers", async () => {
    expect(await textOf({ effect: "0,0.1", compare: "calibrated" })).toContain(
      "With challengers no different, 10 points better, 'calibrated' promoted one in",
    );
    expect(await textOf({ challengers: "3", policy: "threshold" })).toContain("promoted a challenger in");
    expect(await textOf({ challengers: "2", effect: "0.1", policy: "calibrated" })).toContain(
      "each of 2 challengers 10 points better",
    );
  });

  it("says what was simulated", async () => {
    const text = await textOf({ drift: "0.5..0.8", share: "ramp", seed: "7" }, 200);
    expect(text).toContain(
      "20 experiments of up to 200 sessions; success rate drifting from 50.0 % to 80.0 %, challenger no different, ramp share, seed 7.",
    );
    const late = await textOf({ delay: "50", missing: "0.1", policy: "calibrated" }, 200);
    expect(late).toContain("share 20 %, scores 50 sessions late, 10.0 % of scores missing, seed 1.");
  });

  it.each([80, 120])("fits into %d columns, and colours change no letter", async (width) => {
    const flags = { effect: "0.05", missing: "0.3", share: "adaptive" } as const;
    const text = await textOf(flags, width);
    for (const line of text.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(width);
    expect(stripVTControlCharacters(await textOf(flags, width, colored))).toBe(text);
  });

  it("speaks of a broken sample ratio where there is one", async () => {
    const simulation = createSimulation({
      policy: { horizon: 500 },
      share: 0.5,
      baseRate: 0.3,
      missing: { champion: 0, challenger: 0.9, only: "failures" },
    });
    const report = await simulationReport([{ name: "calibrated", simulation }], 20, () => undefined);
    expect(simulationText(report, { colors: plain, width: 80 })).toMatch(/for a broken sample ratio +\d/);
  });
});

describe("simulate, from recorded sessions", () => {
  const lines = Array.from({ length: 40 }, (_, i) => ({
    agent: i % 2 === 0 ? "a" : "b",
    ok: i % 2 === 0 ? i % 4 === 0 : i % 3 !== 0,
  }));
  const recorded = (): Partial<SimulateFlags> => {
    const file = join(temporaryFolder(), "sessions.jsonl");
    const all = [...lines, { agent: "a", ok: null }];
    writeFileSync(file, all.map((line) => JSON.stringify(line)).join("\n"));
    return { file, champion: "agent=a", challenger: "agent=b", score: "ok" };
  };

  it("resamples the scores of both arms", async () => {
    const [{ simulation }] = simulationsOf({ ...FLAGS, ...recorded() }) as [NamedSimulation];
    expect(simulation.world.baseRate).toBe(0.5);
    const report = await simulationReport([{ name: "calibrated", simulation }], 50, () => undefined);
    expect(report).toMatchObject({ baseRate: 0.5, effect: 0.15, isRecorded: true });
    expect(simulationText(report, { colors: plain, width: 80 })).toContain("recorded sessions resampled");
  });

  it("without difference both arms draw from the champion's", () => {
    const [{ simulation }] = simulationsOf({ ...FLAGS, ...recorded() }) as [NamedSimulation];
    const same = withoutDifference(simulation);
    expect(same.world.effects).toEqual([0]);
    const { uplifts } = simulateRuns(same, 0, 1);
    expect(uplifts).toHaveLength(1);
  });

  it.each([
    [{ file: "sessions.jsonl" }, "--file"],
    [{ champion: "agent=a" }, "--champion"],
    [{ compare: "calibrated,bold" }, "--compare"],
    [{ compare: "@policy.json" }, "--compare"],
    [{ effect: "much" }, "--effect"],
    [{ effect: "0,0.1", challengers: "3" }, "--effect"],
    [{ challengers: "0" }, "--challengers"],
    [{ drift: "0.5" }, "--drift"],
    [{ drift: "0.5..x" }, "--drift"],
    [{ share: "half" }, "--share"],
    [{ seed: "1.5" }, "--seed"],
    [{ tau: "" }, "--tau"],
  ])("refuses %j by its flag", (flags, flag) => {
    const wanted = { code: "usage_invalid", details: expect.objectContaining({ flag }) };
    expect(() => simulationsOf({ ...FLAGS, ...flags })).toThrow(expect.objectContaining(wanted));
  });

  it("takes alpha, tau and the least uplift into every policy", () => {
    const policies = simulationsOf({ ...FLAGS, alpha: "0.02", tau: "0.9", minUplift: "0.01" });
    for (const { simulation } of policies)
      expect(simulation.policy).toMatchObject({ alpha: 0.02, tau: 0.9, minUplift: 0.01 });
    expect(policies.map(({ simulation }) => simulation.policy.kind)).toEqual(["calibrated", "threshold"]);
  });

  it("takes any policy, by name or in full, alone or beside others", () => {
    const of = (flags: Partial<SimulateFlags>) =>
      simulationsOf({ ...FLAGS, ...flags }).map(({ name, simulation }) => [name, simulation.policy.alpha]);
    expect(of({ policy: "strict" })).toEqual([["strict", 0.02]]);
    expect(of({ policy: '{"alpha":0.1}' })).toEqual([["given", 0.1]]);
    expect(of({ policy: '{"alpha":0.1}', compare: "calibrated,strict" })).toEqual([
      ["given", 0.1],
      ["calibrated", 0.05],
      ["strict", 0.02],
    ]);
    expect(() => of({ policy: "bold" })).toThrow(expect.objectContaining({ code: "policy_invalid" }));
    expect(() => of({ policy: '{"alpha":2}' })).toThrow(expect.objectContaining({ code: "policy_invalid" }));
    // A horizon given by flag takes the place of the policy's own.
    const [{ simulation }] = simulationsOf({ ...FLAGS, policy: '{"horizon":70}' }) as [NamedSimulation];
    expect(simulation.policy.horizon).toBe(200);
  });
});

describe("plan, for people", () => {
  const style = { colors: plain, width: 80 };

  it("says in one sentence how likely and how long, then what other shares buy", async () => {
    const plan = await planned({ baseRate: 0.6, effect: 0.2, sessionsPerDay: 120, horizon: 200 }, 50);
    const text = planText(plan, style);
    expect(text).toMatch(
      /^At 120 sessions a day and share 20 %, a challenger 20 points better is promoted\nin \d+ % of experiments\. A decision takes [\d.]+ days/,
    );
    expect(text).toMatch(/\n +5 % +[█▏▎▍▌▋▊▉░]+ +\d+ %/);
    for (const line of text.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(80);
    expect(stripVTControlCharacters(planText(plan, { ...style, colors: colored }))).toBe(text);
  });

  it("counts days whole where there are hundreds, and hours below one", async () => {
    const slow = await planned({ baseRate: 0.6, effect: 0.2, sessionsPerDay: 0.5, horizon: 200 }, 5);
    expect(planText(slow, style)).toContain("At 0.5 sessions a day");
    expect(planText(slow, style)).toContain("(400 days)");
    const quick = await planned({ baseRate: 0.6, effect: 0.2, sessionsPerDay: 4800, horizon: 200 }, 5);
    expect(planText(quick, style)).toContain("(1 h)");
  });

  it("says so where nothing can be found in time", async () => {
    const short = await planned({ baseRate: 0.6, effect: 0.2, sessionsPerDay: 10, withinDays: 1 }, 5);
    expect(planText(short, style)).toMatch(/Not even a\s+challenger that always succeeds is found/);
  });

  it("simulates fewer of very long experiments", async () => {
    const long = await planned(
      { baseRate: 0.5, effect: 0.5, sessionsPerDay: 10, horizon: 1e5, share: 0.5 },
      1000,
    );
    expect(long.runs).toBe(200);
  });
});

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explain } from "../../src/core/decision/explain.js";
import { createMcpServer, type McpServerOptions, type Simulator } from "../../src/integrations/mcp/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";

const THOROUGH = { model: "m-large", prompt: "Be thorough." };
const BRIEF = { model: "m-large", prompt: "Be brief." };

let test: TestEngine;
let client: Client;

async function connect(options?: McpServerOptions): Promise<Client> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await createMcpServer(test.engine, options).connect(theirs);
  const made = new Client({ name: "test", version: "1" });
  await made.connect(ours);
  // The client checks structured answers against the schemas that it has listed.
  await made.listTools();
  return made;
}

beforeEach(async () => {
  test = await createTestEngine({ seed: 11 });
  client = await connect();
});

afterEach(async () => {
  await client.close();
  await test.close();
});

interface Answered {
  readonly isError?: boolean;
  readonly content: readonly { readonly text: string }[];
  readonly structuredContent?: Record<string, never>;
}

/** Calls a tool, which has to succeed. */
async function call<T = Record<string, never>>(
  name: string,
  args: object = {},
): Promise<{ facts: T; text: string }> {
  const result = (await client.callTool({ name, arguments: { ...args } })) as unknown as Answered;
  expect(result.isError, JSON.stringify(result.content)).toBeUndefined();
  return { facts: result.structuredContent as T, text: result.content[0]?.text ?? "" };
}

/** Calls a tool, which has to fail. */
async function refused(name: string, args: object = {}) {
  const { isError, content } = (await client.callTool({
    name,
    arguments: { ...args },
  })) as unknown as Answered;
  expect(isError).toBe(true);
  const { error } = JSON.parse(content[1]?.text ?? "null") as {
    error: { code: string; kind: string; message: string; details: Record<string, unknown> };
  };
  expect(content[0]?.text).toBe(`${error.code}: ${error.message}`);
  return error;
}

const project = () => test.engine.project("support", { champion: THOROUGH });

/** Sessions of which the brief ones go better. */
async function sessions(count: number): Promise<void> {
  const bot = await project();
  let seen = 0;
  const run = bot.wrap(({ config }) => config.prompt, {
    score: (prompt) => {
      seen += 1;
      return prompt === BRIEF.prompt ? seen % 10 !== 0 : seen % 10 < 3;
    },
  });
  await test.runSessions(count, () => run());
  await test.engine.decide();
}

describe("the tools", () => {
  it("tell what they do to what is stored", async () => {
    const { tools } = await client.listTools();
    const named = (test: (annotations: object) => unknown) =>
      tools.filter(({ annotations }) => test(annotations ?? {})).map(({ name }) => name);
    expect(named((each) => "readOnlyHint" in each && each.readOnlyHint)).toEqual([
      "experiment_facts",
      "list_projects",
      "status",
      "report",
      "history",
      "list_studies",
      "study_report",
      "plan",
      "simulate",
    ]);
    expect(named((each) => "destructiveHint" in each && each.destructiveHint)).toEqual([
      "drop",
      "abort",
      "promote",
      "approve",
      "decline",
      "rollback",
    ]);
    for (const { name, description, outputSchema, inputSchema, annotations } of tools) {
      expect(description, name).toMatch(/\.$/);
      expect(outputSchema, name).toMatchObject({ type: "object" });
      expect(inputSchema, name).toMatchObject({ additionalProperties: false });
      expect(annotations, name).toMatchObject({ openWorldHint: false });
    }
  });

  it("refuse a misspelt argument instead of leaving it out", async () => {
    await project();
    const result = (await client.callTool({
      name: "challenge",
      arguments: { project: "support", config: BRIEF, dryrun: true },
    })) as unknown as Answered;
    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toContain("dryrun");
    expect(await (await project()).experiments()).toEqual([]);
  });

  it("tell errors by code, message and details", async () => {
    expect(await refused("report", { project: "nobody" })).toMatchObject({
      code: "project_not_found",
      kind: "not_found",
      details: { received: "nobody" },
    });
    await project();
    expect(await refused("report", { project: "support" })).toMatchObject({ code: "experiment_not_found" });
    expect(await refused("pause", { project: "support", reason: "x" })).toMatchObject({
      code: "experiment_not_found",
    });
  });
});

describe("looking", () => {
  it("before anything there is nothing", async () => {
    expect((await call("list_projects")).facts).toEqual({ projects: [] });
    expect((await call("status")).text).toBe("No project yet.");
  });

  it("lists projects with their champions, and what runs", async () => {
    const bot = await project();
    const { experiment } = await bot.challenge(BRIEF);
    await test.engine.project("other", { champion: { tone: "warm" } });
    const { facts, text } = await call<{ projects: object[] }>("list_projects");
    expect(facts.projects).toMatchObject([
      { project: "other", champion: { config: { tone: "warm" } }, experiment: null },
      { project: "support", champion: { config: THOROUGH }, experiment: experiment?.id, draftCount: 0 },
    ]);
    expect(text.split("\n")).toHaveLength(2);
  });

  it("status and report have the numbers of the engine", async () => {
    const bot = await project();
    await bot.challenge(BRIEF, { share: 0.5 });
    await sessions(12);
    const evaluation = await bot.evaluate();
    const full = await bot.report();
    if (!evaluation || !full) return expect.unreachable("an experiment runs");
    const { facts, text } = await call<{ projects: { standing: object }[] }>("status");
    const standing = {
      experiment: full.experiment,
      status: "running",
      sessionCount: 12,
      probabilityBetter: evaluation.probabilityBetter,
      upliftMean: evaluation.upliftMean,
      chanceOfPromotion: evaluation.chanceOfPromotion,
      evidenceBetter: {
        log: evaluation.logSupPromote,
        logNeeded: evaluation.logLinePromote,
        needed: "20.0x",
      },
      daysLeft: full.daysLeft,
    };
    expect(facts.projects).toMatchObject([{ standing, isTickOverdue: false, alarms: [] }]);
    expect(text).toMatch(/^support: running, 12 of 2,000 planned sessions, P\(better\) 0\.\d{3}, uplift \+/);
    const report = await call<{ arms: { successRate: number }[] }>("report", { project: "support" });
    const ruling = { verdict: "continue", reason: "collecting" } as const;
    expect(report.facts).toMatchObject({
      standing,
      ...ruling,
      explanation: explain({ ruling, evaluation, policy: full.policy }),
      changes: [{ path: "/prompt", before: THOROUGH.prompt, after: BRIEF.prompt }],
      upliftInterval: evaluation.upliftInterval,
      guardrails: [{ rule: "error at most 2 points worse", isCrossed: false }],
    });
    expect(report.facts.arms.map(({ successRate }) => successRate)).toEqual(
      evaluation.arms.map(({ scoreSum, sessionCount }) => scoreSum / sessionCount),
    );
    expect(report.text).toMatch(/^CONTINUE \(collecting\): \w{12} contends against the champion \w{12}\.\n/);
  });

  it("tells a promotion, and the history that it made", async () => {
    const bot = await project();
    await bot.challenge(BRIEF, { share: 0.5, label: "brief" });
    await sessions(200);
    const { facts } = await call("report", { project: "support" });
    expect(facts).toMatchObject({
      verdict: "promote",
      reason: "evidence",
      standing: { status: "promoted", daysLeft: null },
      challengers: [{ label: "brief", out: null, config: BRIEF }],
    });
    const { text, facts: log } = await call<{ entries: object[] }>("history", {
      project: "support",
      limit: 2,
    });
    expect(log.entries).toMatchObject([
      { what: expect.stringMatching(/^promoted brief after \d+ sessions$/), who: "tick" },
      { what: expect.stringMatching(/^started brief against \w{12}, 50.0 %$/), who: "library" },
    ]);
    expect(text.split("\n")).toHaveLength(2);
  });

  it("gives all facts to set up an experiment in one call", async () => {
    const bot = await project();
    await bot.challenge(BRIEF, { share: 0.5, hypothesis: "People like it short." });
    await sessions(200);
    const { facts, text } = await call<{
      smallestEffects: { days: number; share: number; horizon: number; effect: number | null }[];
      words: Record<string, string>;
    }>("experiment_facts", { project: "support" });
    expect(facts).toMatchObject({
      project: "support",
      champion: { config: BRIEF },
      traffic: { isSuccessRateKnown: expect.any(Boolean), unitsPerDay: expect.any(Number) },
      running: null,
      drafts: [],
      past: [
        {
          status: "promoted",
          reason: "evidence",
          hypothesis: "People like it short.",
          challengers: [{ changes: [{ path: "/prompt", before: THOROUGH.prompt, after: BRIEF.prompt }] }],
        },
      ],
      ledger: expect.stringContaining("1 experiment"),
      holdout: 0,
      metrics: expect.arrayContaining([
        expect.objectContaining({
          name: "error",
          direction: "lower",
          champion: expect.stringContaining(" %"),
        }),
      ]),
      defaultPolicy: { alpha: 0.05, tau: 0.95, horizon: 2000 },
    });
    expect(Object.keys(facts.words)).toEqual(
      expect.arrayContaining(["champion", "settle", "evidence", "horizon"]),
    );
    const effects = facts.smallestEffects.filter(({ share }) => share === 0.5).map(({ effect }) => effect);
    expect(effects).toHaveLength(4);
    // Longer experiments find smaller effects.
    expect([...effects].sort((a, b) => Number(b) - Number(a))).toEqual(effects);
    expect(text).toContain("No experiment runs: the slot is free.");
  });

  it("gives what it can where there is no traffic", async () => {
    await project();
    const { facts } = await call("experiment_facts", { project: "support" });
    expect(facts).toMatchObject({
      traffic: { unitsPerDay: null, isSuccessRateKnown: false },
      smallestEffects: [],
      past: [],
      ledger: expect.stringMatching(/^0 promotions in 0 experiments/),
    });
  });
});

describe("challenge", () => {
  it("with dryRun shows what would start, and starts nothing", async () => {
    const bot = await project();
    const args = {
      project: "support",
      changes: { prompt: BRIEF.prompt },
      dryRun: true,
      share: 0.3,
      horizon: 500,
    };
    const { facts, text } = await call("challenge", args);
    expect(facts).toMatchObject({
      dryRun: true,
      started: false,
      status: "would-start",
      share: 0.3,
      horizon: 500,
      changes: [{ path: "/prompt", kind: "changed", before: THOROUGH.prompt, after: BRIEF.prompt }],
      forecast: { power: expect.any(Number) },
    });
    expect(text).toContain("Would start: 30.0 % of the traffic for 500 planned sessions.");
    expect(await bot.experiments()).toEqual([]);
  });

  it("starts the experiment, once, for the actor and the reason given", async () => {
    const bot = await project();
    client = await connect({ actor: "claude" });
    const args = {
      project: "support",
      config: BRIEF,
      hypothesis: "People like it short.",
      policy: { minUplift: -0.02, metrics: { cost_usd: { direction: "lower" } } },
    };
    const { facts } = await call<{ experiment: string }>("challenge", args);
    expect(facts).toMatchObject({ started: true, status: "started", share: 0.2, horizon: 2000 });
    expect((await call("challenge", args)).facts).toMatchObject({
      started: false,
      status: "existing",
      experiment: facts.experiment,
    });
    const [experiment] = await bot.experiments();
    expect(experiment).toMatchObject({
      id: facts.experiment,
      challenger: BRIEF,
      policy: { minUplift: -0.02 },
    });
    expect((await bot.history())[0]).toMatchObject({
      action: "started",
      actor: "claude",
      reason: args.hypothesis,
    });
    const overlapping = { project: "support", changes: { prompt: "Be kind." } };
    expect(await refused("challenge", overlapping)).toMatchObject({
      code: "experiment_overlap",
      details: { experiment: facts.experiment },
    });
    expect((await call("challenge", { ...overlapping, dryRun: true })).facts).toMatchObject({
      status: "overlap",
    });
  });

  it("a change to null takes the field away; config and changes exclude each other", async () => {
    const bot = await project();
    const { facts } = await call("challenge", {
      project: "support",
      changes: { prompt: null },
      dryRun: true,
    });
    expect(facts).toMatchObject({ changes: [{ path: "/prompt", kind: "removed" }] });
    for (const given of [{}, { config: BRIEF, changes: {} }])
      expect(await refused("challenge", { project: "support", ...given })).toMatchObject({
        code: "input_invalid",
      });
    expect(await refused("challenge", { project: "support", config: BRIEF, share: 2 })).toMatchObject({
      code: "share_out_of_range",
    });
    expect(await bot.experiments()).toEqual([]);
  });
});

describe("by hand", () => {
  it("pauses and resumes", async () => {
    const bot = await project();
    await bot.challenge(BRIEF);
    const args = { project: "support", reason: "an outage" };
    expect((await call("pause", args)).facts).toMatchObject({ action: "pause", status: "paused" });
    expect(await refused("pause", args)).toMatchObject({ code: "transition_illegal" });
    expect((await call("resume", args)).text).toMatch(/^Resumed\. Experiment .{13} of support: running\.$/);
    expect((await bot.history())[0]).toMatchObject({ action: "resumed", actor: "mcp", reason: "an outage" });
  });

  it("ends nothing before the experiment is named, and tells what would happen", async () => {
    const bot = await project();
    const { experiment } = await bot.challenge(BRIEF);
    const args = { project: "support", reason: "a mistake" };
    for (const confirm of [undefined, "yes", "support"]) {
      const error = await refused("abort", { ...args, ...(confirm && { confirm }) });
      expect(error).toMatchObject({
        code: "confirmation_missing",
        kind: "invalid_input",
        details: {
          project: "support",
          experiment: experiment?.id,
          wouldHappen: expect.stringContaining("champion"),
        },
      });
      expect(error.message).toContain(`confirm: "${experiment?.id}"`);
    }
    expect((await bot.experiments())[0]?.status).toBe("running");
    const { facts } = await call("abort", { ...args, confirm: experiment?.id });
    expect(facts).toMatchObject({ experiment: experiment?.id, status: "aborted" });
    expect(await refused("abort", args)).toMatchObject({ code: "transition_illegal" });
    expect(await refused("abort", { ...args, confirm: experiment?.id })).toMatchObject({
      code: "transition_illegal",
    });
  });

  it.each([
    ["approve", "promoted", BRIEF],
    ["decline", "held", THOROUGH],
  ])("%s ends a promotion that waits for a person", async (verb, status, champion) => {
    const bot = await project();
    const { experiment } = await bot.challenge(BRIEF, { share: 0.5, promotion: "approve" });
    const args = { project: "support", reason: "read the transcripts", confirm: experiment?.id };
    expect(await refused(verb, args)).toMatchObject({ code: "transition_illegal" });
    await sessions(200);
    expect((await call<{ projects: object[] }>("status")).facts.projects).toMatchObject([
      { alarms: ["awaiting-approval"], standing: { status: "awaiting approval" } },
    ]);
    expect(await refused(verb, { ...args, confirm: undefined })).toMatchObject({
      code: "confirmation_missing",
    });
    expect((await call(verb, args)).facts).toMatchObject({ action: verb, status });
    expect(bot.champion).toEqual(champion);
  });
});

describe("revise, drop, promote, rollback", () => {
  const KIND = { model: "m-large", prompt: "Be kind." };
  const said = { project: "support", reason: "as the team agreed" };

  it("revises what may change in flight, and refuses the rest", async () => {
    const bot = await project();
    await bot.challenge(BRIEF);
    const changes = { horizon: 400, share: 0.5, minPerArm: 5, futility: null };
    expect((await call("revise", { ...said, ...changes })).facts).toMatchObject({
      action: "revise",
      status: "running",
    });
    expect((await bot.report())?.revisions).toMatchObject([
      { fields: { horizon: 400, minPerArm: 5, futility: null, shareRule: { kind: "fixed", share: 0.5 } } },
    ]);
    expect((await call("revise", { ...said, futility: { chance: 0.1, after: 0.2 } })).text).toContain(
      "from the next session on",
    );
    expect(await refused("revise", said)).toMatchObject({ code: "settings_invalid" });
    const frozen = (await client.callTool({ name: "revise", arguments: { ...said, alpha: 0.2 } })) as unknown;
    expect((frozen as Answered).content[0]?.text).toContain("alpha");
    expect((await bot.history()).filter(({ action }) => action === "revised")).toHaveLength(2);
  });

  it("drops one of several challengers, once the experiment is named", async () => {
    const bot = await project();
    const { experiment } = await bot.challenge([BRIEF, KIND], { share: 0.4 });
    const args = { ...said, challenger: "2" };
    expect(await refused("drop", args)).toMatchObject({ code: "confirmation_missing" });
    expect((await bot.report())?.challengers.map(({ out }) => out)).toEqual([null, null]);
    await call("drop", { ...args, confirm: experiment?.id });
    expect((await bot.report())?.challengers.map(({ out }) => out)).toEqual([null, "manual"]);
    expect(await refused("drop", { ...said, challenger: "1", confirm: experiment?.id })).toMatchObject({
      code: "transition_illegal",
    });
  });

  it("promotes by hand, and rolls back the champion that is named", async () => {
    const bot = await project();
    const { experiment } = await bot.challenge(BRIEF);
    expect(await refused("promote", said)).toMatchObject({
      code: "confirmation_missing",
      details: { wouldHappen: expect.stringContaining("without proof") },
    });
    const { facts } = await call<{ champion: string }>("promote", { ...said, confirm: experiment?.id });
    expect(facts).toMatchObject({ action: "promote", status: "promoted" });
    expect(bot.champion).toEqual(BRIEF);

    const next = await bot.challenge(KIND);
    for (const confirm of [undefined, next.experiment?.id, facts.champion.slice(0, 12)])
      expect(await refused("rollback", { ...said, ...(confirm && { confirm }) })).toMatchObject({
        code: "confirmation_missing",
        message: expect.stringContaining(`confirm: "${facts.champion}"`),
        details: { experiment: next.experiment?.id, wouldHappen: expect.stringContaining("is aborted") },
      });
    expect(bot.champion).toEqual(BRIEF);
    expect((await call("rollback", { ...said, confirm: facts.champion })).facts).toMatchObject({
      action: "rollback",
      experiment: next.experiment?.id,
      status: "aborted",
    });
    expect(bot.champion).toEqual(THOROUGH);
    const { champion } = await test.engine.projectOverview("support");
    expect(await refused("rollback", { ...said, confirm: champion.hash })).toMatchObject({
      code: "transition_illegal",
    });
    const back = { ...said, to: facts.champion, confirm: champion.hash };
    expect((await call("rollback", back)).facts).toMatchObject({ experiment: null, status: null });
    expect(bot.champion).toEqual(BRIEF);
  });
});

describe("record_signal", () => {
  it("records, finds duplicates, and says what came too late", async () => {
    const bot = await project();
    const session = await bot.session();
    const args = {
      session: session.id,
      name: "judge",
      value: 0.5,
      kind: "explicit",
      source: "judge:v1",
      key: "k1",
    };
    expect((await call("record_signal", args)).facts).toEqual({ session: session.id, status: "recorded" });
    expect((await call("record_signal", args)).facts).toMatchObject({ status: "duplicate" });
    expect(await refused("record_signal", { ...args, value: 1 })).toMatchObject({
      code: "idempotency_mismatch",
    });
    expect(await refused("record_signal", { ...args, key: "k2", value: 7 })).toMatchObject({
      code: "signal_invalid",
    });
    await session.end({ score: 1 });
    expect((await call("record_signal", { ...args, key: "k3" })).facts).toMatchObject({ status: "late" });
    expect(await refused("record_signal", { ...args, session: "nobody" })).toMatchObject({
      code: "session_not_found",
    });
  });
});

describe("asking", () => {
  it("plans at the project's own traffic, or at a given one", async () => {
    await project();
    expect(await refused("plan", { project: "support" })).toMatchObject({ code: "input_invalid" });
    const { facts, text } = await call<{ alternatives: { share: number; power: number }[]; power: number }>(
      "plan",
      {
        baseRate: 0.5,
        effect: 0.2,
        sessionsPerDay: 200,
      },
    );
    expect(facts).toMatchObject({ baseRate: 0.5, share: 0.2, horizon: expect.any(Number), runs: 400 });
    // By the formula 80 %; simulated 400 times, within four standard errors.
    expect(facts.power).toBeGreaterThan(0.8 - 4 * 0.02 - 0.05);
    expect(facts.alternatives.map(({ share }) => share)).toEqual([0.05, 0.1, 0.2, 0.3, 0.5]);
    expect(text).toContain("is promoted in");
  });

  it("simulates policies side by side, the same for the same seed", async () => {
    const args = { baseRate: 0.5, effect: 0.2, horizon: 400, runs: 100, policies: ["calibrated", "strict"] };
    const { facts, text } = await call<{ policies: { policy: string; promoted: number }[] }>(
      "simulate",
      args,
    );
    expect((await call("simulate", args)).facts).toEqual(facts);
    const [calibrated, strict] = facts.policies;
    expect(calibrated?.promoted).toBeGreaterThan(strict?.promoted as number);
    expect(text).toMatch(/^100 experiments each, of a challenger with \+20\.0 points against 50\.0 %:/);
  });

  it("refuses what would take too long, and says what would not", async () => {
    expect(await refused("simulate", { horizon: 1_000_000 })).toMatchObject({
      code: "settings_invalid",
      details: { horizonMax: 100_000 },
    });
    expect(await refused("plan", { within: "a week" })).toMatchObject({ code: "input_invalid" });
    expect(await refused("plan", { within: "7d", horizon: 100 })).toMatchObject({ code: "input_invalid" });
  });

  it("a simulation gives way to other calls", async () => {
    await project();
    let hasEnded = false;
    const simulated = call("simulate", { horizon: 5000, runs: 300, policies: ["calibrated"] }).finally(() => {
      hasEnded = true;
    });
    expect((await call("list_projects")).facts).toMatchObject({ projects: [{ project: "support" }] });
    expect(hasEnded).toBe(false);
    await simulated;
  });

  it.each(["simulate", "plan"])("%s stops when its call is cancelled", async (name) => {
    const aborter = new AbortController();
    const stopped = new Promise((resolve) => {
      const simulator: Simulator = (_jobs, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            resolve("stopped");
            reject(signal.reason);
          });
          aborter.abort("enough");
        });
      void connect({ simulator }).then((other) =>
        other
          .callTool({ name, arguments: {} }, undefined, { signal: aborter.signal })
          .catch(() => other.close()),
      );
    });
    expect(await stopped).toBe("stopped");
  });
});

it("refuses an actor that is none", () => {
  expect(() => createMcpServer(test.engine, { actor: "" })).toThrow(
    expect.objectContaining({ code: "settings_invalid" }),
  );
});

it("an experiment whose arms a rule gives is told as observed", async () => {
  const bot = await project();
  await bot.challenge(BRIEF, { assign: { by: "round-robin" }, label: "brief" });
  for (let i = 0; i < 20; i += 1) await (await bot.session()).end({ score: i % 2 });
  await test.engine.flush();
  const { facts, text } = await call<{ explanation: string[] }>("report", { project: "support" });
  expect(facts).toMatchObject({ verdict: "continue", standing: { status: "running, not randomised" } });
  expect(facts.explanation).toEqual([
    "Arms are not randomised: in turns, by process.",
    expect.stringContaining("Observational: nobody was randomised."),
    expect.stringMatching(/^brief less the champion, as observed: \+\d+\.\d points/),
  ]);
  expect(text).toContain("Observational");
});

it("studies are made, tagged and reported as observational", async () => {
  const bot = await project();
  for (let i = 0; i < 4; i += 1)
    await (await bot.session({ id: `s${i}`, context: { plan: i % 2 ? "pro" : "free" } })).end({
      score: i % 2,
    });
  const field = { name: "plan", champion: ["free"], challenger: ["pro"] };
  const made = await call("create_study", { project: "support", name: "plans", field });
  expect(made.facts).toMatchObject({ kind: "observational", status: "running" });
  const tag = { session: "s0", study: "plans", arm: "challenger" };
  expect((await call("tag_session", tag)).facts).toMatchObject({ status: "recorded" });
  expect((await call("tag_session", tag)).facts).toMatchObject({ status: "duplicate" });
  expect(await refused("tag_session", { ...tag, arm: "excluded" })).toMatchObject({ code: "tag_conflict" });
  const { facts, text } = await call("study_report", { project: "support", name: "plans" });
  expect(facts).toMatchObject({
    arms: [{ units: 1 }, { units: 3 }],
    placed: "1 by tag and 3 by field",
    challenger: null,
  });
  expect(text).toContain("Observational: nobody was randomised.");
  expect((await call("list_studies", { project: "support" })).text).toContain("plans (running)");
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { AskGit } from "../../src/engine/studies/observe.js";
import { BECAUSE, LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Sessions outside of experiments, one after the other: plans take turns, and those on `pro` go better. */
async function plain(count: number, more: (i: number) => object = () => ({}), prefix = "s"): Promise<void> {
  const bot = await setting.project();
  for (let i = 0; i < count; i += 1) {
    setting.test.clock.advance(1000);
    const plan = i % 2 ? "pro" : "free";
    const session = await bot.session({ id: `${prefix}${i}`, context: { plan }, ...more(i) });
    await session.signal({ name: "cost_usd", value: i % 2 ? 0.01 : 0.02 });
    await session.end({ score: i % 2 ? Number(i % 10 > 2) : Number(i % 10 > 6) });
  }
  await setting.test.engine.flush();
}

const BY_PLAN = { field: { name: "plan", champion: "free", challenger: "pro" } } as const;
const studies = () => setting.test.engine.studies;

describe("a study", () => {
  it("compares sessions outside of experiments, past and to come, and calls itself observational", async () => {
    await plain(100);
    const created = await studies().create("support", "plans", { ...BY_PLAN, hypothesis: "pro does better" });
    expect(created).toMatchObject({
      ...{ kind: "observational", project: "support", study: "plans", status: "running" },
      rules: { field: { name: "plan", champion: ["free"], challenger: ["pro"] }, config: null, git: null },
    });
    await plain(20, undefined, "later");
    const report = await studies().report("support", "plans");
    expect(report).toMatchObject({ kind: "observational", sessionCount: 120, leftOut: {}, cautions: [] });
    expect(report.arms.map(({ count, mean }) => [count, mean])).toEqual([
      [60, 0.2],
      [60, 0.8],
    ]);
    expect(report.difference).toBeGreaterThan(0.5);
    expect(report.metrics.cost_usd).toMatchObject({ kind: "positive", direction: "lower" });
    expect(report.metrics.cost_usd?.change).toBeCloseTo(-0.5, 2);
    expect(report.time?.overlap).toBeGreaterThan(0.99);
  });

  it("leaves out sessions of experiments, and those outside of its window", async () => {
    await plain(10);
    const since = setting.test.clock.now();
    await plain(20, undefined, "in");
    const until = setting.test.clock.now();
    await plain(10, undefined, "after");
    const bot = await setting.contest();
    await (await bot.session({ id: "routed", context: { plan: "pro" } })).end({ score: 1 });
    await studies().create("support", "all", BY_PLAN);
    await studies().create("support", "window", { ...BY_PLAN, since: since + 1, until: new Date(until + 1) });
    expect((await studies().report("support", "all")).sessionCount).toBe(40);
    const { sessionCount, sinceMs, untilMs } = await studies().report("support", "window");
    expect([sessionCount, sinceMs, untilMs]).toEqual([20, since + 1, until + 1]);
  });

  it("counts a unit once an arm, and tells what has not settled or went without an outcome", async () => {
    const bot = await setting.project();
    const start = (id: string, unit?: string) =>
      bot.session({ id, context: { plan: "pro" }, ...(unit && { unit }) });
    await (await start("a", "ada")).end({ score: 1 });
    await (await start("b", "ada")).end({ score: 0 });
    await start("open");
    await (await start("silent")).end();
    setting.test.clock.advance(25 * 3_600_000);
    await setting.test.engine.decide();
    await start("late");
    await studies().create("support", "plans", BY_PLAN);
    const { arms, leftOut } = await studies().report("support", "plans");
    // The abandoned one scores 0.
    expect(arms[1]).toMatchObject({ count: 2, mean: 0.5 });
    expect(leftOut).toEqual({ repeat: 1, missing: 1, unsettled: 1 });
  });

  it("by config takes labels, hashes and fingerprints of the sessions' contexts, and offers what to challenge with", async () => {
    const bot = await setting.project();
    await plain(20);
    await bot.challenge(SHORT, { label: "brief" });
    await bot.promote(BECAUSE);
    await plain(20, undefined, "new");
    const fingerprint = "0123456789abcdef";
    await plain(2, () => ({ context: { configFingerprint: fingerprint } }), "f");
    const long = (await bot.configs())[0]?.hash ?? "";
    await studies().create("support", "before", {
      config: { champion: [long.slice(0, 8), fingerprint], challenger: "brief" },
    });
    const report = await studies().report("support", "before");
    expect(report.arms.map(({ count }) => count)).toEqual([22, 20]);
    expect(report.cautions).toContainEqual({ what: "few", value: 20 });
    // The challenger's config is the champion already.
    expect(report.challenger).toBeNull();
    await studies().create("support", "after", { config: { champion: "brief", challenger: long } });
    const { challenger, cautions } = await studies().report("support", "after");
    expect(challenger).toEqual({ hash: long, label: null, body: LONG });
    expect(cautions.map(({ what }) => what)).toContain("time");
  });

  it("by git asks once for all commits, and tells what it could not", async () => {
    const commits = ["aaaa", "bbbb", "cccc"];
    await plain(12, (i) => ({ context: { commit: commits[i % 3] } }));
    await plain(1, () => ({}), "none");
    const asked: unknown[] = [];
    const git: AskGit = async (question) => {
      asked.push(question);
      const { champion, challenger } = question;
      const facts = {
        champion: { revision: champion, commit: "1" },
        challenger: { revision: challenger, commit: "2" },
        problem: null,
      };
      const answers = new Map([
        ["aaaa", { champion: true, challenger: false }],
        ["bbbb", { champion: false, challenger: true }],
      ]);
      return { facts, ancestry: { answers, earlier: null } };
    };
    await studies().create("support", "commits", { git: { champion: "main", challenger: "brief" } });
    const report = await studies().report("support", "commits", { git });
    expect(asked).toEqual([{ champion: "main", challenger: "brief", commits }]);
    expect(report.arms.map(({ count }) => count)).toEqual([4, 4]);
    expect(report.leftOut).toEqual({ "git-unknown": 4, unmatched: 1 });
    expect(report.git).toMatchObject({ champion: { commit: "1" }, problem: null });
    const unasked = await studies().report("support", "commits");
    expect(unasked.leftOut).toEqual({ "git-unknown": 12, unmatched: 1 });
    expect(unasked.git?.problem).toContain("git was not asked");
    await expect(studies().conclude("support", "commits", BECAUSE)).rejects.toMatchObject({
      code: "not_supported_here",
    });
    expect(await studies().conclude("support", "commits", { ...BECAUSE, git })).toMatchObject({
      status: "concluded",
      git: { problem: null },
    });
  });

  it("is concluded for good: what is recorded, tagged or pruned afterwards changes nothing", async () => {
    await plain(60);
    await studies().create("support", "plans", BY_PLAN);
    const { engine } = setting.test;
    await engine.tag("s0", { study: "plans", arm: "challenger" });
    const concluded = await studies().conclude("support", "plans", BECAUSE);
    expect(concluded).toMatchObject({ status: "concluded", placed: { tag: 1, field: 59 } });
    await plain(10, undefined, "later");
    await expect(engine.tag("s1", { study: "plans", arm: "champion" })).rejects.toMatchObject({
      code: "transition_illegal",
    });
    expect(await engine.tag("s0", { study: "plans", arm: "challenger" })).toEqual({ status: "duplicate" });
    setting.test.clock.advance(100 * 86_400_000);
    await engine.prune({ olderThanMs: 30 * 86_400_000 });
    expect(await setting.sql("SELECT * FROM study_tags")).toEqual([]);
    expect(await studies().report("support", "plans")).toEqual(concluded);
    await expect(studies().conclude("support", "plans", BECAUSE)).rejects.toMatchObject({
      code: "transition_illegal",
    });
  });

  it("goes from running to concluded to archived, and no other way", async () => {
    await setting.project();
    await studies().create("support", "one", BY_PLAN);
    await studies().create("support", "two");
    await expect(studies().archive("support", "one", BECAUSE)).rejects.toMatchObject({
      code: "transition_illegal",
    });
    await studies().conclude("support", "one", BECAUSE);
    const { archivedAtMs } = await studies().archive("support", "one", BECAUSE);
    expect(archivedAtMs).toBe(setting.test.clock.now());
    setting.test.clock.advance(1);
    expect(await studies().archive("support", "one", BECAUSE)).toMatchObject({ archivedAtMs });
    const named = async (archived?: boolean) =>
      (await studies().list("support", { archived })).map(({ study }) => study);
    expect([await named(), await named(true)]).toEqual([["two"], ["two", "one"]]);
    const log = await (await setting.project()).history();
    expect(log.map(({ action }) => action)).toEqual([
      ...["study-archived", "study-concluded", "study-created", "study-created", "created"],
    ]);
  });

  it.each([
    ["without a name", " ", {}, "input_invalid"],
    ["of an unknown option", "x", { by: "time" }, "settings_invalid"],
    ["with a field without a name", "x", { field: { champion: "a", challenger: "b" } }, "input_invalid"],
    ["with a field of one arm", "x", { field: { name: "plan", champion: "a" } }, "input_invalid"],
    ["with no value", "x", { field: { name: "plan", champion: [], challenger: "b" } }, "input_invalid"],
    [
      "with a value of both",
      "x",
      { field: { name: "p", champion: ["a", "b"], challenger: "b" } },
      "input_invalid",
    ],
    [
      "with an unknown config",
      "x",
      { config: { champion: "brief", challenger: "long" } },
      "config_not_found",
    ],
    ["with an option for a revision", "x", { git: { champion: "--all", challenger: "b" } }, "input_invalid"],
    ["with a range for a revision", "x", { git: { champion: "a..b", challenger: "b" } }, "input_invalid"],
    ["with lines for a revision", "x", { git: { champion: "a\nb", challenger: "b" } }, "input_invalid"],
    ["with one revision twice", "x", { git: { champion: "b", challenger: "b" } }, "input_invalid"],
    ["with a metric that is none", "x", { metrics: { cost: "less" } }, "policy_invalid"],
    ["that ends before it begins", "x", { since: 2, until: 1 }, "input_invalid"],
    ["with a time beyond all calendars", "x", { until: 1e20 }, "input_invalid"],
    ["with a time that is none", "x", { since: "yesterday" }, "settings_invalid"],
    ["with a hypothesis that is none", "x", { hypothesis: 7 }, "input_invalid"],
  ])("is refused %s, and nothing is stored", async (_what, name, input, code) => {
    await setting.project();
    await expect(studies().create("support", name, input as never)).rejects.toMatchObject({ code });
    expect(await studies().list("support")).toEqual([]);
  });

  it("has a name of its own in its project, and is told by it", async () => {
    await setting.project();
    await setting.project("sales");
    await studies().create("support", "plans");
    await studies().create("sales", "plans");
    await expect(studies().create("support", "plans")).rejects.toMatchObject({ code: "study_exists" });
    await expect(studies().get("support", "plan")).rejects.toMatchObject({
      code: "study_not_found",
      details: { known: ["plans"] },
    });
    await expect(studies().report("nobody", "plans")).rejects.toMatchObject({ code: "project_not_found" });
  });
});

describe("a tag", () => {
  const tag = (session: string, arm: string, study = "plans") =>
    setting.test.engine.tag(session, { study, arm: arm as "champion" });

  it("beats all rules; the same again is a duplicate, another names the first, which stays", async () => {
    await plain(4);
    await studies().create("support", "plans", BY_PLAN);
    expect(await tag("s0", "challenger")).toEqual({ status: "recorded" });
    expect(await tag("s0", "challenger")).toEqual({ status: "duplicate" });
    await expect(tag("s0", "champion")).rejects.toMatchObject({
      code: "tag_conflict",
      message: expect.stringContaining("challenger"),
      details: { stored: "challenger", received: "champion" },
    });
    await tag("s1", "excluded");
    const { arms, placed, leftOut } = await studies().report("support", "plans");
    expect(arms.map(({ count }) => count)).toEqual([1, 2]);
    expect([placed, leftOut]).toEqual([{ tag: 1, field: 2 }, { tagged: 1 }]);
  });

  it("alone forms both arms", async () => {
    await plain(4);
    await studies().create("support", "plans");
    await tag("s0", "champion");
    await tag("s3", "challenger");
    const { arms, leftOut } = await studies().report("support", "plans");
    expect(arms.map(({ count, mean }) => [count, mean])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(leftOut).toEqual({ unmatched: 2 });
  });

  it("of eight at once is stored once, and all of them succeed", async () => {
    await plain(1);
    await studies().create("support", "plans");
    const there = await setting.elsewhere();
    const engines = Array.from({ length: 8 }, (_, i) => (i % 2 ? there.engine : setting.test.engine));
    const receipts = await Promise.all(
      engines.map((engine) => engine.tag("s0", { study: "plans", arm: "champion" })),
    );
    expect(receipts.filter(({ status }) => status === "recorded")).toHaveLength(1);
    expect(await setting.sql("SELECT arm FROM study_tags")).toEqual([{ arm: "champion" }]);
  });

  it("needs a session outside of experiments, a study of its project, and an arm", async () => {
    await plain(1);
    await setting.project("sales");
    await studies().create("sales", "sold");
    await studies().create("support", "plans");
    await expect(tag("s9", "champion")).rejects.toMatchObject({ code: "session_not_found" });
    await expect(tag("s0", "champion", "sold")).rejects.toMatchObject({ code: "study_not_found" });
    await expect(tag("s0", "winner")).rejects.toMatchObject({ code: "input_invalid" });
    const bot = await setting.contest();
    const { id } = await bot.session();
    await expect(tag(id, "champion")).rejects.toMatchObject({
      code: "input_invalid",
      details: { experiment: bot.experiment },
    });
  });

  it("goes with its session when that is pruned, and stays when its unit is forgotten", async () => {
    await plain(1, () => ({ unit: "ada" }));
    await plain(1, undefined, "t");
    await studies().create("support", "plans");
    await tag("s0", "champion");
    await tag("t0", "challenger");
    const { engine, clock } = setting.test;
    await engine.forget("ada", { reason: "asked" });
    const stored = await setting.sql<{ arm: string; id: string }>(
      "SELECT arm, sessions.id FROM study_tags JOIN sessions ON seq = session_seq ORDER BY study_tags.id",
    );
    expect(stored.map(({ arm }) => arm)).toEqual(["champion", "challenger"]);
    expect(stored[0]?.id).not.toBe("s0");
    clock.advance(100 * 86_400_000);
    await engine.prune({ olderThanMs: 30 * 86_400_000 });
    expect(await setting.sql("SELECT * FROM study_tags")).toEqual([]);
    expect((await studies().report("support", "plans")).sessionCount).toBe(0);
  });
});

describe("a study never promotes", () => {
  it("however large the difference, and however often a job ticks", async () => {
    await plain(200, (i) => ({ context: { plan: i % 2 ? "pro" : "free" } }));
    await studies().create("support", "plans", BY_PLAN);
    const before = await setting.test.engine.snapshot("support");
    for (let i = 0; i < 5; i += 1) {
      await studies().report("support", "plans");
      expect(await setting.test.engine.decide()).toEqual([]);
    }
    await studies().conclude("support", "plans", BECAUSE);
    expect(await setting.test.engine.decide()).toEqual([]);
    expect(await setting.test.engine.snapshot("support")).toEqual(before);
    const stored = await setting.sql(
      "SELECT (SELECT count(*) FROM decisions) AS n, (SELECT count(*) FROM experiments) AS m",
    );
    expect(stored).toEqual([{ n: 0, m: 0 }]);
  });

  it("because its code can change neither a champion nor an experiment", () => {
    const folders = ["src/core/studies", "src/engine/studies"];
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => readFileSync(join(root, folder, name), "utf8")),
    );
    expect(files.length).toBeGreaterThan(4);
    const banned =
      /changeExperiment|changeChampion|addExperiment|replaceDraft|endByHand|decide\(|\/decide\.js/;
    expect(files.filter((text) => banned.test(text))).toEqual([]);
  });
});

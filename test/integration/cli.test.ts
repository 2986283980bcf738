import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DethroneError } from "../../src/core/errors.js";
import { createEngine } from "../../src/index.js";
import { cli } from "../support/cli.js";
import { temporaryFolder } from "../support/temporary.js";

let folder: string;
let db: string;

beforeEach(() => {
  folder = temporaryFolder();
  db = join(folder, "cli.db");
  vi.spyOn(process, "cwd").mockReturnValue(folder);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** A text on one line, wherever it is broken. */
const flat = (text: string): string => text.replace(/\s+/g, " ");

const run = (...args: string[]) => cli(...args, "--db", db);
const json = (...args: string[]) => run(...args, "--json");

async function started(...flags: string[]) {
  await run("init");
  await run("project", "create", "support", "--set", "prompt=long", "--set", "temperature=0.5");
  return run("challenge", "support", "--set", "prompt=short", "--share", "0.5", ...flags);
}

/** Sessions in which the short prompt wins, through the library, as an agent in another process would. */
async function shortWins(count: number) {
  const engine = await createEngine({ url: db, strict: true });
  const bot = await engine.project<{ prompt: string }>("support");
  const answer = bot.wrap((session) => session.config.prompt, { score: (prompt) => prompt === "short" });
  for (let i = 0; i < count; i += 1) await answer();
  await engine.close();
}

describe("a project's life on the command line", () => {
  it("init, create, challenge, decide, report, history, verify, rollback", async () => {
    const init = await run("init");
    expect(init.out).toContain("Database ready");
    expect(readFileSync(join(folder, "dethrone.config.ts"), "utf8")).toContain("satisfies FileSettings");
    expect((await run("init")).out).toContain("was left as it is");

    const created = await json(
      "project",
      "create",
      "support",
      "--set",
      "prompt=long",
      "--set",
      "limits.tokens=5",
    );
    expect(created.json()).toMatchObject({ project: "support" });
    const shown = await json("project", "show", "support");
    expect(shown.json()).toMatchObject({ champion: { body: { prompt: "long", limits: { tokens: 5 } } } });

    const dry = await run("challenge", "support", "--set", "prompt=short", "--share", "0.5", "--dry-run");
    expect(dry.out).toContain('prompt\n  - "long"\n  + "short"');
    expect((await json("project", "show", "support")).json()).toMatchObject({ experiments: [] });

    const challenge = await json("challenge", "support", "--set", "prompt=short", "--share", "0.5");
    expect(challenge.json()).toMatchObject({
      started: true,
      experiment: { challenger: { prompt: "short", limits: { tokens: 5 } }, share: 0.5 },
    });
    expect((await json("challenge", "support", "--set", "prompt=short")).json()).toMatchObject({
      started: false,
      status: "existing",
    });

    await shortWins(100);
    expect((await run("status")).out).toMatch(/support .*running/);
    const dryTick = await json("decide", "--dry-run");
    expect(dryTick.json()).toMatchObject({ project: "support", verdict: "promote", changed: false });
    const tick = await json("decide");
    expect(tick.json()).toMatchObject({
      project: "support",
      verdict: "promote",
      reason: "evidence",
      changed: true,
    });
    expect((await json("decide")).out).toBe("");
    expect((await run("decide")).out).toContain("Nothing is running.");

    const report = await run("report", "support");
    expect(report.out).toContain("PROMOTE");
    expect(report.out).toContain("however often anyone looks");
    expect((await run("report", "support", "--format", "json")).json()).toMatchObject({ status: "promoted" });
    expect((await run("history", "support")).out).toMatch(/promoted[\s\S]*started[\s\S]*created/);
    expect((await json("verify")).json()).toMatchObject({ count: 1, different: 0 });
    expect((await run("rollback", "support", "--reason", "complaints")).out).toContain("Rolled back");
    expect((await json("project", "show", "support")).json()).toMatchObject({
      champion: { body: { prompt: "long" } },
    });
    expect((await run("migrate")).out).toContain("Up to date");
  });

  it("verify of a tampered decision says what differs and exits with the code of decision_mismatch", async () => {
    await started();
    await shortWins(100);
    await run("decide");
    const client = createClient({ url: `file:${db}` });
    await client.execute("UPDATE decisions SET session_count = 7");
    client.close();
    const verify = await json("verify");
    expect(verify.code).toBe(new DethroneError("decision_mismatch", "").exitCode);
    expect(verify.json()).toMatchObject({ different: 1, decisions: [{ isEqual: false }] });
    expect((await run("verify")).out).toContain("DIFFERENT");
  });

  it("approval, decline, pause, resume, abort and promote by hand", async () => {
    await started("--promotion", "approve");
    expect((await run("pause", "support", "--reason", "incident")).out).toContain("Paused");
    expect((await run("resume", "support", "--reason", "over")).out).toContain("Resumed");
    expect((await run("approve", "support", "--reason", "now")).code).toBe(4);
    await shortWins(100);
    expect((await json("decide")).json()).toMatchObject({ reason: "awaiting-approval" });
    expect((await run("status")).out).toContain("awaiting approval");
    expect((await run("decline", "support", "--reason", "tone")).out).toContain("Declined");
    await run("challenge", "support", "--set", "prompt=short", "--again", "tone fixed");
    expect((await run("abort", "support", "--reason", "typo")).out).toContain("Aborted");
    await run("challenge", "support", "--set", "prompt=short", "--again", "typo fixed");
    expect((await run("promote", "support", "--reason", "deadline")).out).toContain("Promoted");
    expect((await json("verify")).json()).toMatchObject({ different: 0 });
  });

  it("reads configs from files, and the settings file", async () => {
    const champion = join(folder, "champion.json");
    const brief = join(folder, "brief.md");
    writeFileSync(champion, '{"model":"m","prompt":"x"}');
    writeFileSync(brief, "Be brief.\n");
    writeFileSync(
      join(folder, "dethrone.config.ts"),
      `export default { url: ${JSON.stringify(db)}, share: 0.3, policy: { horizon: 77 } };`,
    );
    await cli("init");
    expect(existsSync(db)).toBe(true);
    await cli("project", "create", "support", "--champion", champion);
    const { json: body } = await cli("challenge", "support", "--set", `prompt=@${brief}`, "--json");
    expect(body()).toMatchObject({
      experiment: { challenger: { model: "m", prompt: "Be brief.\n" }, share: 0.3, policy: { horizon: 77 } },
    });
    writeFileSync(join(folder, "dethrone.config.ts"), "export default { db: 'x' };");
    expect(await cli("status")).toMatchObject({
      code: 2,
      err: expect.stringContaining("unknown setting 'db'"),
    });
  });
});

describe("before a challenge starts", () => {
  const dry = (...flags: string[]) =>
    run("challenge", "support", "--set", "prompt=short", "--dry-run", ...flags);

  beforeEach(async () => {
    await run("init");
    await run("project", "create", "support", "--set", "prompt=long");
  });

  it("--dry-run shows the difference, the design and what it can find", async () => {
    const { out } = await dry("--share", "ramp", "--metric", "cost_usd:lower", "--guardrail", "cost_usd:0.1");
    expect(out).toContain("nothing is started");
    expect(out).toContain('prompt\n  - "long"\n  + "short"');
    expect(out).toContain("ramp 5, 10, 25, 50 %, planned as 22.5 % on average");
    expect(out).toContain("20.0x evidence that it is better");
    expect(out).toContain("error at most 2 points worse");
    expect(out).toContain("cost_usd at most 10 % worse");
    expect(out).toMatch(/power +\d+\.\d % to promote a challenger 10 points better/);
    expect(out).toMatch(/time +unknown without traffic/);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("--dry-run says what stands in the way", async () => {
    const champion = await run("challenge", "support", "--set", "prompt=long", "--dry-run");
    expect(champion.out).toContain("is the champion already");
    await run("challenge", "support", "--set", "prompt=short");
    expect((await dry()).out).toContain("stands as experiment");
    const other = await run("challenge", "support", "--set", "prompt=other", "--dry-run");
    expect(flat(other.out)).toContain("is in the project's slot");
    expect((await json("challenge", "support", "--set", "prompt=other", "--dry-run")).json()).toMatchObject({
      known: { status: "overlap" },
    });
  });

  it("--detect and --within size the experiment by the project's own traffic", async () => {
    await shortWins(30);
    const sized = await json(
      "challenge",
      "support",
      "--set",
      "prompt=short",
      "--detect",
      "0.2",
      "--within",
      "1d",
    );
    const { experiment, forecast } = sized.json<{
      experiment: { share: number; policy: { horizon: number } };
      forecast: { effect: number; power: number; daysToHorizon: number };
    }>();
    expect(forecast.effect).toBe(0.2);
    expect(forecast.power).toBeGreaterThanOrEqual(0.8);
    expect(forecast.daysToHorizon).toBeCloseTo(1, 1);
    expect(experiment.policy.horizon).toBeGreaterThan(100);
    expect((await run("status")).out).toMatch(/support +running/);
  });

  it("--policy strict, --fdr and --min-uplift set the level and the bar", async () => {
    expect((await dry("--policy", "strict")).out).toContain("alpha 0.02: 50.0x");
    expect((await dry("--fdr", "0.1")).out).toContain("alpha 0.0493: 20.3x");
    const cheap = [
      "--metric",
      "cost_usd:lower",
      "--guardrail",
      "cost_usd:-0.1:require",
      "--min-uplift",
      "-0.03",
    ];
    const { out } = await dry(...cheap);
    expect(out).toContain("evidence that uplift > -3.0 points");
    expect(out).toContain("cost_usd at least 10 % better, shown to be so");
  });

  it("the plain rule is told with its price", async () => {
    const flags = ["--policy", "threshold", "--horizon", "200"];
    const price = flat((await dry(...flags)).out);
    expect(price).toMatch(/no guarantee: at 200 planned sessions .* in about \d+ % of experiments/);
    const start = await json("challenge", "support", "--set", "prompt=short", ...flags);
    expect(start.json()).toMatchObject({ started: true, falsePromotion: { horizon: 200, runs: 1000 } });
  });

  it("long texts are shown from where they differ", async () => {
    const text = "You help people with their orders. ".repeat(6);
    await run("project", "create", "prose", "--set", `prompt=${text}Be thorough.`);
    const { out } = await run("challenge", "prose", "--set", `prompt=${text}Be brief.`, "--dry-run");
    expect(out).toMatch(/- .*…heir orders\. Be thorough\./);
    expect(out).toMatch(/\+ .*…heir orders\. Be brief\./);
  });
});

describe("an experiment in flight", () => {
  it("is revised from the next session on, and reported with its metrics and guardrails", async () => {
    await started("--metric", "words:lower:count", "--guardrail", "words:0.5", "--share", "adaptive");
    await measured(40);
    await run("decide");
    const revised = await run(
      "revise",
      "support",
      "--horizon",
      "900",
      "--futility",
      "off",
      "--reason",
      "slow",
    );
    expect(revised.out).toContain("Revised horizon, futility of support");
    await run("revise", "support", "--share", "0.4", "--min-per-arm", "15", "--reason", "faster");
    const held = await json("revise", "support", "--futility", "0.01", "--reason", "enough");
    expect(held.json()).toMatchObject({ changes: { futility: { chance: 0.01, after: 0.1 } } });
    await measured(10);
    await run("decide");
    const { out } = await run("report", "support");
    expect(out).toContain("50 of 900 planned sessions");
    expect(out).toMatch(/planned sessions, at most .* left at [\d,]+ a day/);
    expect(out).toMatch(/revised .*: 900 planned sessions, no futility rule/);
    expect(out).toMatch(/revised .*: share 40.0 %, at least 15 sessions an arm/);
    expect(out).toMatch(/revised .*: hold below a chance of 1.0 %/);
    expect(out).toMatch(/uplift, unbiased +[-+][\d.]+ points/);
    expect(out).toMatch(/words +champion +[\d.]+/);
    expect(out).toMatch(/words +50 % worse +aborts .*x of 40.0x +ok/);
    expect(out).toContain("All experiments of support: 0 promotions in 1 experiment");
    expect((await run("status")).out).toMatch(/support +running +50 of 900/);
    expect((await run("history", "support")).out).toContain("at most 0.05 false ones are expected.");
    expect((await json("history", "support")).json()).toMatchObject({ ledger: { expectedFalseMax: 0.05 } });
    expect((await run("project", "show", "support")).out).toMatch(/running +\w{12} +adaptive/);
  });
});

/** Sessions through the library that carry a metric; success is even in each arm, so that nothing is decided by chance. */
async function measured(count: number) {
  const engine = await createEngine({ url: db, strict: true });
  const bot = await engine.project<{ prompt: string }>("support");
  const counts = { champion: 0, challenger: 0 };
  for (let i = 0; i < count; i += 1) {
    const session = await bot.session();
    await session.signal({ name: "words", value: 40 + (i % 7) });
    counts[session.arm] += 1;
    await session.end({ score: counts[session.arm] % 2 });
  }
  await engine.close();
}

describe("bad input: a clear error, its code and exit code, and nothing written", () => {
  // One database for all: none of these may write to it.
  const shared = mkdtempSync(join(tmpdir(), "dethrone-test-"));
  const sharedDb = join(shared, "shared.db");
  let before = "";

  beforeAll(async () => {
    const engine = await createEngine({ url: sharedDb, strict: true });
    await engine.project("support", { champion: { a: 1 } });
    await engine.close();
    writeFileSync(join(shared, "LIST"), "[1]");
    writeFileSync(join(shared, "TEXT"), "not json");
    before = (await cli("status", "--db", sharedDb, "--json")).out;
  });

  afterAll(() => rmSync(shared, { recursive: true }));

  it.each<[string, string[], string, number]>([
    ["an unknown project", ["report", "ghost"], "project_not_found", 3],
    ["a project that exists", ["project", "create", "support", "--set", "a=1"], "project_exists", 4],
    ["a config that is no object", ["challenge", "support", "--config", "LIST"], "config_invalid", 2],
    ["a config file that is no JSON", ["challenge", "support", "--config", "TEXT"], "input_invalid", 2],
    ["a config file that is not there", ["challenge", "support", "--config", "NONE"], "input_invalid", 2],
    ["no config", ["challenge", "support"], "usage_invalid", 2],
    ["share 0.005", ["challenge", "support", "--set", "a=2", "--share", "0.005"], "share_out_of_range", 2],
    ["share 1", ["challenge", "support", "--set", "a=2", "--share", "1"], "share_out_of_range", 2],
    ["share NaN", ["challenge", "support", "--set", "a=2", "--share", "much"], "share_out_of_range", 2],
    ["a bad horizon", ["challenge", "support", "--set", "a=2", "--horizon", "0"], "policy_invalid", 2],
    ["a bad policy", ["challenge", "support", "--set", "a=2", "--policy", "bold"], "policy_invalid", 2],
    ["a bad promotion", ["challenge", "support", "--set", "a=2", "--promotion", "maybe"], "usage_invalid", 2],
    ["--detect alone", ["challenge", "support", "--set", "a=2", "--detect", "0.1"], "usage_invalid", 2],
    [
      "--detect with a share",
      ["challenge", "support", "--set", "a=2", "--detect", "0.1", "--within", "1d", "--share", "0.3"],
      "settings_invalid",
      2,
    ],
    [
      "a bad --within",
      ["challenge", "support", "--set", "a=2", "--detect", "0.1", "--within", "soon"],
      "settings_invalid",
      2,
    ],
    ["a bad --fdr", ["challenge", "support", "--set", "a=2", "--fdr", "1"], "settings_invalid", 2],
    [
      "an undeclared guardrail",
      ["challenge", "support", "--set", "a=2", "--guardrail", "cost:0.1"],
      "usage_invalid",
      2,
    ],
    [
      "nothing to revise",
      ["revise", "support", "--horizon", "9", "--reason", "x"],
      "experiment_not_found",
      3,
    ],
    ["a bad --set", ["challenge", "support", "--set", "a"], "usage_invalid", 2],
    ["--set of a prototype", ["challenge", "support", "--set", "__proto__.x=1"], "usage_invalid", 2],
    ["a misspelt flag", ["challenge", "support", "--set", "a=2", "--shar", "0.5"], "usage_invalid", 2],
    ["a misspelt command", ["chalenge", "support"], "usage_invalid", 2],
    ["a missing argument", ["challenge"], "usage_invalid", 2],
    ["a missing reason", ["abort", "support"], "usage_invalid", 2],
    ["nothing to abort", ["abort", "support", "--reason", "x"], "experiment_not_found", 3],
    ["an unknown decision", ["verify", "nothing"], "decision_not_found", 3],
    ["two schedules", ["decide", "--every", "5m", "--cron", "* * * * *"], "usage_invalid", 2],
    ["a bad duration", ["decide", "--every", "soon"], "usage_invalid", 2],
    ["a bad cron", ["decide", "--cron", "whenever"], "settings_invalid", 2],
    ["a bad format", ["report", "support", "--format", "docx"], "usage_invalid", 2],
    ["a bad limit", ["history", "support", "--limit", "0"], "usage_invalid", 2],
    ["no experiment yet", ["report", "support"], "experiment_not_found", 3],
  ])("%s", async (_title, args, code, exitCode) => {
    const paths = args.map((arg) => (["LIST", "TEXT", "NONE"].includes(arg) ? join(shared, arg) : arg));
    const failed = await cli(...paths, "--db", sharedDb, "--json");
    expect(failed.code).toBe(exitCode);
    expect(failed.json()).toMatchObject({
      error: { code, message: expect.any(String), details: expect.any(Object) },
    });
    expect(failed.err).toBe("");
    const people = await cli(...paths, "--db", sharedDb);
    expect(people.err).toContain(code);
    expect(people.out).toBe("");
    expect((await cli("status", "--db", sharedDb, "--json")).out).toBe(before);
  });

  it("a misspelt flag gets a suggestion", async () => {
    expect((await run("decide", "--dryrun")).err).toContain("--dry-run");
  });

  it("a database that is not there is not made by looking", async () => {
    expect((await json("status")).json()).toMatchObject({ error: { code: "database_not_found" } });
    expect(existsSync(db)).toBe(false);
  });

  it("a database that is not one, or a kind not supported", async () => {
    writeFileSync(db, "this is not a database but a text of some length");
    expect(await json("status")).toMatchObject({ code: 2 });
    expect(readFileSync(db, "utf8")).toContain("this is not a database");
    expect((await cli("status", "--db", "mysql://host", "--json")).json()).toMatchObject({
      error: { code: "settings_invalid" },
    });
  });

  it("an overlap", async () => {
    await started();
    const failed = await json("challenge", "support", "--set", "prompt=third");
    expect(failed.code).toBe(4);
    expect(failed.json()).toMatchObject({ error: { code: "experiment_overlap" } });
  });

  it("help and version are no failures; no command shows the help", async () => {
    expect((await cli("--version")).code).toBe(0);
    expect((await cli("--help")).code).toBe(0);
    const bare = await cli();
    expect(bare.code).toBe(2);
    expect(bare.out).toContain("Usage: dethrone");
  });
});

describe("demo", () => {
  it("ends in the promotion of the better strategy, and swapped in hold or abort", async () => {
    const demo = await cli("demo", "--seed", "3", "--json", "--db", db);
    const result = demo.json<{ verdict: string; commands: string[] }>();
    expect(result.verdict).toBe("promote");
    expect(result.commands).toHaveLength(3);
    for (const command of result.commands) expect((await cli(...command.split(" ").slice(2))).code).toBe(0);
    expect(await json("demo")).toMatchObject({ code: 4 });
    const swapped = await cli("demo", "--swap", "--db", join(folder, "swapped.db"), "--json");
    expect(["hold", "abort"]).toContain(swapped.json<{ verdict: string }>().verdict);
  });

  it("prints for people the verdict, two sentences and three commands", async () => {
    const { out, err } = await cli("demo", "--db", db);
    expect(out).toMatch(/PROMOTE \(evidence\) after \d+ sessions/);
    expect(out).toContain("Look further:");
    expect(err).toContain("evidence");
  });
});

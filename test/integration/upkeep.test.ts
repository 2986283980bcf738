import { existsSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { query, tamper } from "../support/query.js";
import { isOnFile, temporaryDatabase } from "../support/temporary.js";
import { DAY, decideByHand, history, isInFiles } from "../support/upkeep.js";

const BECAUSE = { reason: "because", actor: "ada" };
const SIZE = { seed: 3, sessions: 150, units: 40 };

/** All that is told of the contest of a history. */
async function told(test: TestEngine) {
  const bot = await test.engine.project("support");
  const { breakdown, ...report } = (await bot.report())!;
  // A person's address is kept of no breakdown; see below.
  const plans = breakdown.filter(({ attribute }) => attribute === "user.plan");
  return { report, plans, evaluation: await bot.evaluate(), verified: await test.engine.verify() };
}

async function expectSound(test: TestEngine): Promise<void> {
  const { verification, findings } = await test.engine.doctor({ verify: true });
  expect(findings.filter(({ severity }) => severity === "problem")).toEqual([]);
  expect(verification).toMatchObject({ differentEvidence: [], differentDecisions: [] });
}

describe("the doctor", () => {
  it("finds a database healthy that is", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    const report = await test.engine.doctor();
    expect(report).toMatchObject({
      isHealthy: true,
      verification: null,
      counts: { projects: 2, experiments: 1, overdue: 0 },
      database: { damages: [], danglingRows: [], spoolFiles: [] },
    });
    expect(report.findings.map(({ severity }) => severity)).not.toContain("warning");
    expect(report.database.schema.applied).toBe(report.database.schema.known);
    expect(report.counts.lastTickAtMs).toBe(test.clock.now());
  });

  it("recomputes everything on request, and tells how far it is", async () => {
    await using test = await history(temporaryDatabase(), SIZE);
    await decideByHand(test);
    const progress: number[][] = [];
    const { verification } = await test.engine.doctor({
      verify: true,
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(verification).toMatchObject({ experiments: 1, decisions: 1, archives: 0, differentEvidence: [] });
    expect(verification!.units).toBeGreaterThan(40);
    expect(progress).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it("finds evidence that its sessions do not give", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await tamper(path, "UPDATE sessions SET score = 1 - score WHERE is_evidence = 1 AND score IS NOT NULL");
    const { isHealthy, findings, verification } = await test.engine.doctor({ verify: true });
    expect(isHealthy).toBe(false);
    expect(verification!.differentEvidence).toMatchObject([{ project: "support", isEqual: false }]);
    expect(findings.filter(({ severity }) => severity === "problem")).toMatchObject([{ check: "evidence" }]);
  });

  const BROKEN: readonly (readonly [check: string, sql: string])[] = [
    ["one-champion-arm", "DELETE FROM arms WHERE role = 'challenger'"],
    ["buckets-sum", "UPDATE arms SET bucket_count = 1 WHERE position = 1"],
    ["folded-sequence", "UPDATE checkpoints SET folded_seq = 1000000"],
    ["one-terminal-decision", "UPDATE experiments SET status = 'held'"],
    ["champion-reigns", "DELETE FROM reigns"],
    ["unit-has-session", "UPDATE units SET session_id = 'gone'"],
    [
      "archive-complete",
      "INSERT INTO archives (experiment_id, unit_count, last_seq, hash) VALUES (1, 3, 3, '')",
    ],
    // Of Postgres it is told that references hold, whatever is done.
    ...(isOnFile ? [["references", "DELETE FROM configs"] as const] : []),
  ];

  it.each(BROKEN)("finds a broken rule: %s", async (check, sql) => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 1, sessions: 20, units: 5 });
    await tamper(path, sql);
    const { isHealthy, findings } = await test.engine.doctor();
    expect(isHealthy).toBe(false);
    const problems = findings.filter(({ severity }) => severity === "problem");
    expect(problems.map((each) => each.check)).toContain(check);
    for (const { advice } of problems) expect(advice).toEqual(expect.any(String));
  });

  it("warns, and then finds it a problem, that nothing is ticking", async () => {
    await using test = await history(temporaryDatabase(), { seed: 1, sessions: 20, units: 5 });
    const bot = await test.engine.project("support");
    await bot.session();
    await test.engine.flush();
    const ticking = async () =>
      (await test.engine.doctor()).findings.find(({ check }) => check === "ticking")!.severity;
    expect(await ticking()).toBe("ok");
    test.clock.advance(DAY + 2 * 3_600_000);
    expect(await ticking()).toBe("warning");
    test.clock.advance(DAY);
    expect(await ticking()).toBe("problem");
    await test.engine.decide();
    expect(await ticking()).toBe("ok");
  });

  it("tells of settled units that nobody folds, of an experiment without traffic, and of a promotion that waits", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 1, sessions: 20, units: 5 });
    const checks = async () => (await test.engine.doctor()).findings.map(({ check }) => check);
    const bot = await test.engine.project("support");
    await (await bot.session()).end({ score: 1 });
    await test.engine.flush();
    test.clock.advance(2 * 3_600_000);
    expect(await checks()).toContain("folding");
    await test.engine.decide();
    test.clock.advance(8 * DAY);
    expect(await checks()).toContain("traffic");
    await tamper(path, "UPDATE experiments SET awaiting_seq = 1, awaiting_arm = 1");
    expect(await checks()).toContain("approval");
    await tamper(path, "UPDATE experiments SET status = 'paused', awaiting_seq = NULL");
    expect(await checks()).not.toContain("traffic");
  });

  it.runIf(isOnFile)(
    "lists outcomes that wait beside the database, and leases that nobody has given back",
    async () => {
      const path = temporaryDatabase();
      await using test = await history(path, { seed: 1, sessions: 5, units: 5 });
      writeFileSync(`${path}.spool-1`, "x".repeat(10));
      await tamper(
        path,
        "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at_ms INTEGER NOT NULL)",
        "INSERT INTO leases (name, holder, expires_at_ms) VALUES ('tick', 'host-7', 5)",
      );
      const { database, counts, findings } = await test.engine.doctor();
      expect(database.spoolFiles).toEqual([{ name: "test.db.spool-1", bytes: 10 }]);
      expect(counts.expiredLeases).toEqual([{ name: "tick", holder: "host-7", expiresAtMs: 5 }]);
      expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(["spool", "lease"]));
    },
  );

  it.runIf(isOnFile)("finds a damaged file", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    // An index that no longer agrees with its table.
    await tamper(
      path,
      "PRAGMA writable_schema = ON",
      "UPDATE sqlite_master SET sql = replace(sql, '`session_seq`,`key`', '`session_seq`,`name`') WHERE name = 'signals_session_key'",
    );
    const { isHealthy, findings } = await test.engine.doctor({ verify: true });
    expect(isHealthy).toBe(false);
    expect(findings[0]).toMatchObject({ severity: "problem", check: "integrity" });
  });
});

describe("pruning", () => {
  it("deletes the sessions of an experiment that ended long ago, and everything told of it stays", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await decideByHand(test);
    const before = await told(test);
    test.clock.advance(100 * DAY);
    const plan = await test.engine.prune({ olderThanMs: 90 * DAY, dryRun: true });
    expect(await told(test)).toEqual(before);
    const progress: number[][] = [];
    const result = await test.engine.prune({
      olderThanMs: 90 * DAY,
      actor: "ada",
      vacuum: isOnFile,
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(result).toMatchObject({ sessions: plan.sessions, signals: plan.signals, projects: plan.projects });
    expect(result.sessions).toBeGreaterThan(150);
    // A server gives space back in its own time.
    if (isOnFile) expect(result.freedBytes).toBeGreaterThan(0);
    if (isOnFile) expect(result.returnedBytes).toBeGreaterThan(0);
    expect(progress.at(-1)).toEqual([result.sessions, result.sessions]);
    expect(await told(test)).toEqual(before);
    expect(before.verified).toMatchObject([{ isEqual: true }]);
    const [left] = await query<Record<string, number>>(
      path,
      "SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM signals) AS signals, (SELECT count(*) FROM units) AS units",
    );
    expect(left).toEqual({ sessions: 0, signals: 0, units: 0 });
    expect(before.plans).toHaveLength(1);
    for (const unit of ["unit-1", "unit-2", "unit-3"])
      expect(await isInFiles(path, `${unit}@example.org`)).toBe(false);
    await expectSound(test);
    expect((await test.engine.doctor({ verify: true })).verification).toMatchObject({ archives: 1 });
    const bot = await test.engine.project("support");
    expect((await bot.history())[0]).toMatchObject({ action: "pruned", actor: "ada" });
    expect(await test.engine.prune({ olderThanMs: 90 * DAY })).toMatchObject({ sessions: 0, projects: [] });
  });

  it("leaves alone what runs, is paused, is young or has not settled", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    const bot = await test.engine.project("support");
    const count = async () =>
      (
        await query<{ n: number }>(path, "SELECT count(*) AS n FROM sessions WHERE experiment_id IS NOT NULL")
      )[0]!.n;
    const all = await count();
    test.clock.advance(100 * DAY);
    await test.engine.prune({ olderThanMs: 90 * DAY });
    expect(await count()).toBe(all);
    await bot.pause(BECAUSE);
    await test.engine.prune({ olderThanMs: 90 * DAY });
    expect(await count()).toBe(all);
    await bot.resume(BECAUSE);
    await bot.session();
    await test.engine.flush();
    await decideByHand(test);
    await test.engine.prune({ olderThanMs: 90 * DAY });
    expect(await count()).toBe(all + 1);
    // Ended long ago by now, but one of its sessions has not settled.
    test.clock.advance(100 * DAY);
    expect((await test.engine.prune({ olderThanMs: 90 * DAY })).projects).toMatchObject([
      { project: "support", sessions: 0, kept: [{ why: expect.stringContaining("1 of its sessions") }] },
    ]);
    expect(await count()).toBe(all + 1);
    await test.engine.decide();
    await test.engine.prune({ olderThanMs: 90 * DAY, project: "helper" });
    expect(await count()).toBe(all + 1);
    await test.engine.prune({ olderThanMs: 90 * DAY, project: "support" });
    expect(await count()).toBe(0);
    await expectSound(test);
  });

  it("deletes nothing of an experiment whose archive would not give its evidence", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await decideByHand(test);
    await tamper(path, "UPDATE sessions SET score = 1 - score WHERE is_evidence = 1 AND score IS NOT NULL");
    test.clock.advance(100 * DAY);
    const { projects } = await test.engine.prune({ olderThanMs: DAY, project: "support" });
    expect(projects).toMatchObject([
      { experiments: [], kept: [{ why: expect.stringContaining("evidence") }] },
    ]);
    const [left] = await query(path, "SELECT count(*) > 100 AS many FROM sessions WHERE experiment_id = 1");
    expect(left).toEqual({ many: 1 });
  });

  it("an archive that was changed is found", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await decideByHand(test);
    test.clock.advance(100 * DAY);
    await test.engine.prune({ olderThanMs: DAY });
    await tamper(path, "UPDATE archives SET hash = replace(hash, substr(hash, 1, 1), 'x')");
    const { findings } = await test.engine.doctor({ verify: true });
    expect(findings.find(({ check }) => check === "evidence")!.message).toMatch(/chain of hashes is broken/);
  });

  it("goes on where it was interrupted", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await decideByHand(test);
    const before = await told(test);
    test.clock.advance(100 * DAY);
    await test.engine.prune({ olderThanMs: 90 * DAY });
    // As if it had been killed halfway: the archive is sealed, and some sessions are still there.
    await tamper(
      path,
      `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, is_evidence, started_at_ms, window_ends_at_ms,
         settled_at_ms) VALUES ('left', 1, 1, 1, 1, 1, 1, 2, 3)`,
    );
    expect(await told(test)).toEqual(before);
    expect(await test.engine.prune({ olderThanMs: 90 * DAY })).toMatchObject({ sessions: 1 });
    expect(await told(test)).toEqual(before);
    await expectSound(test);
  });

  it("takes an age, and a project that is there", async () => {
    await using test = await createTestEngine();
    await expect(test.engine.prune({ olderThanMs: -1 })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(test.engine.prune({ olderThanMs: 1, project: "nobody" })).rejects.toMatchObject({
      code: "project_not_found",
    });
  });
});

describe("forgetting a unit", () => {
  it("leaves no trace of it in the files, and the evidence as it was", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 3, sessions: 200, units: 9 });
    const before = await told(test);
    expect(await isInFiles(path, "unit-1")).toBe(true);
    const plan = await test.engine.forget("unit-1", { ...BECAUSE, dryRun: true });
    expect(await isInFiles(path, "unit-1")).toBe(true);
    const result = await test.engine.forget("unit-1", { reason: "unit-1 asked", actor: "ada" });
    expect(result).toMatchObject({ ...plan, isDryRun: false, isErased: isOnFile });
    expect(result).toMatchObject({ overrides: 1, auditEntries: 1, openSessions: 0 });
    expect(result.sessions).toBeGreaterThan(5);
    expect(await isInFiles(path, "unit-1")).toBe(false);
    expect(await isInFiles(path, "unit-2")).toBe(true);
    const after = await told(test);
    expect(after.evaluation).toEqual(before.evaluation);
    expect(after.report.sessions).toEqual(before.report.sessions);
    await expectSound(test);
    const bot = await test.engine.project("support");
    const log = await bot.history();
    expect(log[0]).toMatchObject({ action: "forgotten", reason: "(forgotten) asked", actor: "ada" });
    expect(log.find(({ action }) => action === "override")).toMatchObject({
      details: { unit: "(forgotten)" },
      reason: "(forgotten) asked for it",
    });
    expect(await test.engine.forget("unit-1", BECAUSE)).toMatchObject({ sessions: 0, experiments: 0 });
  });

  it("afterwards the unit is a new one", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 3, sessions: 100, units: 9 });
    await test.engine.forget("unit-2", BECAUSE);
    await using other = await createTestEngine({ url: path, seed: 9, clock: test.clock });
    const bot = await other.engine.project("support");
    await (await bot.session({ unit: "unit-2" })).end({ score: 1 });
    await other.engine.flush();
    expect(await query(path, "SELECT is_evidence, excluded FROM sessions WHERE unit = 'unit-2'")).toEqual([
      { is_evidence: 1, excluded: null },
    ]);
  });

  it("is heard of by the reports of other processes", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { ...SIZE, units: 8 });
    const bot = await test.engine.project("support");
    const mails = async () => {
      const { breakdown } = (await bot.report())!;
      return breakdown.find(({ attribute }) => attribute === "user.mail")?.values.map(({ value }) => value);
    };
    expect(await mails()).toContain("unit-2@example.org");
    await using other = await createTestEngine({ url: path });
    await other.engine.forget("unit-2", BECAUSE);
    expect(await mails()).not.toContain("unit-2@example.org");
    expect(await mails()).toContain("unit-3@example.org");
  });

  it("takes sessions out of the evidence whose outcome can no longer arrive", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 3, sessions: 50, units: 9 });
    const bot = await test.engine.project("support");
    const session = await bot.session({ unit: "somebody-new" });
    await test.engine.flush();
    expect(await test.engine.forget("somebody-new", BECAUSE)).toMatchObject({ sessions: 1, openSessions: 1 });
    await expect(test.engine.signal(session.id, { name: "thumbs", value: 1 })).rejects.toMatchObject({
      code: "session_not_found",
    });
    const before = (await bot.evaluate())!.sessionCount;
    await test.settleAll();
    expect((await bot.evaluate())!.sessionCount).toBe(before);
    await expectSound(test);
  });

  it("only in one project, where one is named", async () => {
    const path = temporaryDatabase();
    await using test = await createTestEngine({ url: path });
    for (const key of ["one", "two"]) {
      const bot = await test.engine.project(key, { champion: { prompt: key } });
      await (await bot.session({ unit: "user-42" })).end({ score: 1 });
    }
    expect(await test.engine.forget("user-42", { ...BECAUSE, project: "one" })).toMatchObject({
      sessions: 1,
    });
    expect(await query(path, "SELECT count(*) AS n FROM sessions WHERE unit = 'user-42'")).toEqual([
      { n: 1 },
    ]);
  });

  it("takes a unit and a reason", async () => {
    await using test = await createTestEngine();
    await expect(test.engine.forget("", BECAUSE)).rejects.toMatchObject({ code: "input_invalid" });
    await expect(test.engine.forget("x", { reason: "" })).rejects.toMatchObject({ code: "settings_invalid" });
  });
});

describe("whatever is pruned and forgotten", () => {
  it("evidence from zero is the checkpoint, and every decision recomputes", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("forget" as const), unit: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ kind: fc.constant("prune" as const), days: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ kind: fc.constant("end" as const) }),
      fc.record({ kind: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 30 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.array(step, { minLength: 2, maxLength: 6 }), async (seed, steps) => {
        const path = temporaryDatabase();
        await using test = await history(path, { seed, sessions: 40, units: 10 });
        const bot = await test.engine.project("support");
        const before = await bot.evaluate();
        for (const each of steps) {
          if (each.kind === "forget") await test.engine.forget(`unit-${each.unit}`, BECAUSE);
          if (each.kind === "prune") await test.engine.prune({ olderThanMs: each.days * DAY });
          if (each.kind === "wait") test.clock.advance(each.days * DAY);
          if (each.kind === "end" && (await bot.report())!.status === "running") await decideByHand(test);
          await test.engine.decide();
          await expectSound(test);
        }
        expect(await bot.evaluate()).toEqual(before);
      }),
      { numRuns: 6 },
    );
  }, 60_000);
});

describe.runIf(isOnFile)("a backup", () => {
  it("is made while agents write, is checked, and is a database to go on with", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    const bot = await test.engine.project("support");
    const writing = Promise.all(
      Array.from({ length: 50 }, async () => (await bot.session()).end({ score: 1 })),
    );
    const copy = await test.engine.backup(`${path}.backup`);
    await writing;
    expect(copy).toEqual({ path: `${path}.backup`, bytes: expect.any(Number) });
    expect(copy.bytes).toBe(readFileSync(copy.path).length);
    await using restored = await createTestEngine({ url: copy.path, clock: test.clock });
    await expectSound(restored);
    const again = await restored.engine.project("support");
    expect((await again.report())!.evaluation.sessionCount).toBe(
      (await bot.report())!.evaluation.sessionCount,
    );
  });

  it("overwrites nothing, and leaves nothing behind where it fails", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 1, sessions: 5, units: 5 });
    writeFileSync(`${path}.backup`, "precious");
    await expect(test.engine.backup(`${path}.backup`)).rejects.toMatchObject({
      code: "file_exists",
      kind: "conflict",
    });
    expect(readFileSync(`${path}.backup`, "utf8")).toBe("precious");
    await expect(test.engine.backup(`${path}-nowhere/x.db`)).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    await tamper(path, "DROP TABLE dethrone_migrations");
    await expect(test.engine.backup(`${path}.other`)).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(existsSync(`${path}.other`)).toBe(false);
  });
});

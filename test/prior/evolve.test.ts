/** What the tests of evolve assert of promotion, storage and its engine, asked of this package. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy, decide, type FoldInput, probGreater, scoreSignals } from "../../src/core/index.js";
import { foldAll, termsOf } from "../support/evidence.js";
import { BECAUSE, LONG, play, SHORT, started, TERSE, useSetting } from "../support/setting.js";

const { scoring } = createPolicy();
const explicit = (value: number) => ({ name: "grade", value, kind: "explicit" }) as const;
const implicit = (value: number, name = "tests") => ({ name, value, kind: "implicit" }) as const;

/** P(challenger > champion) by the successes of each, under a uniform prior. */
const probability = (challenger: readonly [number, number], champion: readonly [number, number]): number =>
  probGreater({
    aX: 1 + challenger[0],
    bX: 1 + challenger[1] - challenger[0],
    aY: 1 + champion[0],
    bY: 1 + champion[1] - champion[0],
  });

/** Units in turn from both arms; the n-th of an arm succeeds by `wins`. */
const units = (perArm: number, wins: (arm: number, nth: number) => boolean): FoldInput[] =>
  Array.from({ length: 2 * perArm }, (_, i) => ({
    arm: i % 2,
    shares: [0.5],
    score: wins(i % 2, Math.floor(i / 2)) ? 1 : 0,
  }));

const ruling = (policy: "calibrated" | "threshold", folded: readonly FoldInput[]) => {
  const terms = termsOf(policy);
  const evidence = foldAll(folded, terms);
  return decide({ ...terms, promotion: "auto", evidence, isExpired: false });
};

describe("evolve: promotion math", () => {
  it("2.1.1 default weights are 5 and 1, explicit over implicit", () => {
    expect(scoring).toMatchObject({ explicit: 5, implicit: 1 });
    expect(scoreSignals([explicit(1), implicit(0)], scoring)).toBeCloseTo(5 / 6, 15);
  });

  it("2.1.3 one explicit 1 scores 1, one implicit 0 scores 0", () => {
    expect(scoreSignals([explicit(1)], scoring)).toBe(1);
    expect(scoreSignals([implicit(0)], scoring)).toBe(0);
  });

  it("2.1.5 one explicit 0 with two implicit 1 scores 2/7; here: 1/6, and 2/7 where every signal votes", () => {
    const signals = [explicit(0), implicit(1), implicit(1, "lint")];
    expect(scoreSignals(signals, scoring)).toBeCloseTo(1 / 6, 15);
    expect(scoreSignals(signals, { ...scoring, mode: "signal" })).toBeCloseTo(2 / 7, 15);
  });

  it("2.1.6 one explicit 0 with three implicit 1 stays under 0.5; here: with any number of them", () => {
    for (const count of [3, 5, 50]) {
      const signals = Array.from({ length: count }, (_, i) => implicit(1, `check-${i}`));
      expect(scoreSignals([explicit(0), ...signals], scoring)).toBeLessThan(0.5);
    }
  });

  it("2.1.7 18 of 20 against 5 of 20 gives 0.99999, the other way round under 0.05", () => {
    expect(probability([18, 20], [5, 20])).toBeCloseTo(0.99999, 5);
    expect(probability([5, 20], [18, 20])).toBeLessThan(0.05);
  });

  it("2.1.8 a tie of 20 of 40 is within 0.05 of 0.5; here: exactly 0.5", () => {
    expect(probability([20, 40], [20, 40])).toBe(0.5);
  });

  it("2.1.9 the same data under the same seed give the same posterior; here: there is no seed, and no draw", () => {
    const first = probability([31, 52], [27, 49]);
    for (let i = 0; i < 5; i += 1) expect(probability([31, 52], [27, 49])).toBe(first);
  });

  it("2.1.10 five sessions in one arm ask for more data", () => {
    const few = units(5, (arm) => arm === 1);
    for (const policy of ["calibrated", "threshold"] as const)
      expect(ruling(policy, few)).toEqual({ verdict: "continue", reason: "collecting" });
  });

  it("2.1.11 23 of 25 against 5 of 25 promotes, a tie of 15 of 30 does not; here: hold is the end, so it continues", () => {
    const better = units(25, (arm, nth) => (arm === 1 ? nth >= 2 : nth % 5 === 0));
    const tied = units(30, (_, nth) => nth % 2 === 0);
    for (const policy of ["calibrated", "threshold"] as const) {
      expect(ruling(policy, better)).toMatchObject({ verdict: "promote", reason: "evidence" });
      expect(ruling(policy, tied)).toMatchObject({ verdict: "continue" });
    }
    expect(probability([23, 25], [5, 25])).toBeGreaterThan(0.95);
  });

  it("2.1.12 a decision on 100 against 100 sessions takes less than 50 ms", () => {
    const terms = termsOf();
    const evidence = foldAll(
      units(100, (arm, nth) => nth % (3 - arm) === 0),
      terms,
    );
    const times = Array.from({ length: 5 }, () => {
      const from = performance.now();
      decide({ ...terms, promotion: "auto", evidence, isExpired: false });
      return performance.now() - from;
    });
    // The best of a few: the machine may be busy.
    expect(Math.min(...times)).toBeLessThan(50);
  });

  it("2.1.13 a score is in [0, 1] for any values in -10..10; here: those outside [0, 1] are refused", () => {
    // Half of the values lie in [0, 1], or hardly any list would do so as a whole.
    const value = fc.oneof(
      fc.double({ min: -10, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    const values = fc.array(value, { minLength: 1, maxLength: 4 });
    const property = fc.property(values, (all) => {
      const signals = all.map((value, i) => (i % 2 ? explicit(value) : implicit(value, `s${i}`)));
      const score = () => scoreSignals(signals, scoring) as number;
      if (all.every((value) => value >= 0 && value <= 1)) {
        expect(score()).toBeGreaterThanOrEqual(0);
        expect(score()).toBeLessThanOrEqual(1);
      } else expect(score).toThrow("in [0, 1]");
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("2.1.14, 2.1.15 the posterior is in [0, 1], and nothing is promoted below its threshold", () => {
    const scores = fc.array(fc.boolean(), { minLength: 40, maxLength: 80 });
    const property = fc.property(scores, fc.integer({ min: 1, max: 5 }), (wins, every) => {
      const folded = units(wins.length / 2, (arm, nth) => (arm === 1 ? wins[nth]! : nth % every === 0));
      const sum = (arm: number) =>
        folded.filter((unit) => unit.arm === arm).reduce((total, { score }) => total + (score ?? 0), 0);
      const count = (arm: number) => folded.filter((unit) => unit.arm === arm).length;
      const better = probability([sum(1), count(1)], [sum(0), count(0)]);
      expect(better).toBeGreaterThanOrEqual(0);
      expect(better).toBeLessThanOrEqual(1);
      for (const policy of ["calibrated", "threshold"] as const)
        if (ruling(policy, folded).verdict === "promote") expect(better).toBeGreaterThanOrEqual(0.95);
    });
    fc.assert(property, { numRuns: 50 });
  });

  it("2.1, criteria of its design: a tie over 100 sessions is not promoted, and a grade outweighs what conflicts with it", () => {
    expect(
      ruling(
        "calibrated",
        units(50, (_, nth) => nth % 2 === 0),
      ).verdict,
    ).not.toBe("promote");
    expect(scoreSignals([explicit(1), implicit(0), implicit(0, "lint")], scoring)).toBeGreaterThan(0.5);
    expect(scoreSignals([explicit(0), implicit(1), implicit(1, "lint")], scoring)).toBeLessThan(0.5);
  });
});

describe("evolve: promotion math, as sessions are recorded", () => {
  const setting = useSetting();

  it("2.1.2 no signals score 0.5; here: missing, left out and counted", async () => {
    const bot = await setting.contest();
    await (await bot.session()).end();
    await setting.test.settleAll();
    const report = (await bot.report())!;
    expect(report.evaluation.sessionCount).toBe(0);
    expect(report.sessions.reduce((sum, { missing }) => sum + missing, 0)).toBe(1);
  });

  it("2.1.4 a value out of range is clamped; here: refused, and nothing is stored", async () => {
    const session = await (await setting.contest()).session();
    const graded = session.signal({ name: "grade", value: 1.5, kind: "explicit" });
    await expect(graded).rejects.toMatchObject({ code: "signal_invalid" });
    expect(await setting.sql("SELECT * FROM signals")).toEqual([]);
  });
});

describe("evolve: storage", () => {
  const setting = useSetting();

  it("2.1.16 the running experiment is found as the running one", async () => {
    const bot = await setting.contest();
    expect(await bot.report()).toMatchObject({ status: "running", endedAtMs: null });
    expect(await bot.experiments()).toMatchObject([{ status: "running", champion: LONG, challenger: SHORT }]);
  });

  it("2.1.17 a second running experiment of a project is refused by the database", async () => {
    const bot = await setting.contest();
    expect(await bot.challenge(TERSE)).toMatchObject({ started: false, status: "overlap" });
    await bot.draft(TERSE);
    const force = setting.sql("UPDATE experiments SET status = 'running' WHERE status = 'draft'");
    await expect(force).rejects.toThrow(/UNIQUE constraint/);
  });

  it("2.1.18 a promotion stores status and posterior, and ends the experiment", async () => {
    const bot = await setting.contest();
    await play(bot, 60, (arm) => (arm === "challenger" ? 1 : 0));
    await setting.test.engine.decide();
    expect((await bot.report())!).toMatchObject({
      status: "promoted",
      endedAtMs: setting.test.clock.now(),
      decision: { verdict: "promote", evaluation: { probabilityBetter: expect.closeTo(1, 2) } },
    });
  });

  it("2.1.19 what has ended and what runs are told apart, newest first", async () => {
    const bot = await setting.contest();
    await bot.abort(BECAUSE);
    await bot.challenge(TERSE);
    expect((await bot.experiments()).map(({ status }) => status)).toEqual(["running", "aborted"]);
    expect((await bot.experiments()).map(({ endedAtMs }) => endedAtMs === null)).toEqual([true, false]);
  });

  it("2.1.20 only sessions tagged with an experiment are its own", async () => {
    const bot = await setting.project();
    await started(bot, 3);
    await bot.challenge(SHORT, { share: 0.5 });
    const own = await started(bot, 5);
    const tagged = await setting.sql<{ id: string }>(
      "SELECT id FROM sessions WHERE experiment_id IS NOT NULL ORDER BY seq DESC LIMIT 2",
    );
    expect(tagged.map(({ id }) => id)).toEqual([own[4]!.id, own[3]!.id]);
    expect((await bot.report())!.sessions.reduce((sum, { served }) => sum + served, 0)).toBe(5);
  });

  it("2.1.21 a signal is stored as given, and belongs to a config through its session", async () => {
    const bot = await setting.contest();
    const session = await bot.session();
    await session.signal({ name: "grade", value: 0.75, kind: "explicit", source: "thumbs", key: "k" });
    const stored = await setting.sql(
      `SELECT key, name, value, kind, source, body ->> '$.prompt' AS prompt FROM signals
         JOIN sessions ON seq = session_seq JOIN configs ON configs.id = config_id`,
    );
    const { prompt } = session.config;
    expect(stored).toEqual([
      { key: "k", name: "grade", value: 0.75, kind: "explicit", source: "thumbs", prompt },
    ]);
  });

  it("2.1.22 text that looks like code is refused, and a score of 1.5 by the database itself", async () => {
    const bot = await setting.contest();
    const coded = bot.session({ context: { task: "const answer = () => 42;" } });
    await expect(coded).rejects.toMatchObject({ code: "privacy_refused" });
    const session = await bot.session();
    await expect(session.end({ score: 1.5 })).rejects.toMatchObject({ code: "score_out_of_range" });
    await expect(setting.sql("UPDATE sessions SET score = 1.5")).rejects.toThrow(/CHECK constraint/);
  });

  it("2.1.23 a config comes back whole with its fingerprint; the champion is the newest reign", async () => {
    const bot = await setting.contest();
    await bot.promote(BECAUSE);
    const [first, second] = await bot.configs();
    expect(first).toMatchObject({ body: LONG, role: "former champion" });
    expect(second).toMatchObject({ body: SHORT, role: "champion", parent: first!.hash });
    await expect(bot.diff("long", second!.hash)).rejects.toMatchObject({ code: "config_not_found" });
  });

  it("2.1.24 a project is found by its key, and not twice; listed newest first; here: by key", async () => {
    await setting.project("b");
    await setting.project("a");
    expect(await setting.project("b")).toBe(await setting.project("b"));
    expect(await setting.test.engine.projectKeys()).toEqual(["a", "b"]);
    await expect(setting.test.engine.project("c")).rejects.toMatchObject({ code: "project_not_found" });
    const twice = setting.sql(
      "INSERT INTO projects (id, key, champion_config_id, created_at_ms) SELECT 9, key, champion_config_id, 0 FROM projects",
    );
    await expect(twice).rejects.toThrow(/UNIQUE constraint/);
  });

  it("2.1.25 everything survives a restart", async () => {
    const bot = await setting.contest();
    await play(bot, 12, (_, nth) => nth % 2);
    await setting.test.engine.decide();
    const before = await bot.report();
    await setting.restart();
    expect(await (await setting.project()).report()).toEqual(before);
  });
});

describe("evolve: the engine", () => {
  const setting = useSetting();

  it("2.1.26, 2.1.28 a champion of 5 in 25 loses to a challenger of 23 in 25; the pointer moves, with the posterior", async () => {
    const bot = await setting.contest({ policy: "threshold" });
    await play(bot, 60, (arm, nth) => Number(arm === "challenger" ? nth % 12 !== 0 : nth % 5 === 0));
    const [result] = await setting.test.engine.decide();
    expect(result).toMatchObject({ verdict: "promote", changed: true });
    expect(bot.champion).toEqual(SHORT);
    expect((await bot.report())!.decision!.evaluation.probabilityBetter).toBeGreaterThan(0.95);
  });

  it("2.1.27 a worse challenger is held with a posterior under 0.05; here: aborted for harm", async () => {
    const bot = await setting.contest();
    await play(bot, 100, (arm, nth) => Number(arm === "challenger" ? nth % 5 === 0 : nth % 12 !== 0));
    expect(await setting.test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "harm" }]);
    expect(bot.champion).toEqual(LONG);
    expect((await bot.evaluate())!.probabilityBetter).toBeLessThan(0.05);
  });

  it("2.1.29 without a running experiment there is no decision", async () => {
    const bot = await setting.project();
    await play(bot, 10, () => 1);
    expect(await setting.test.engine.decide()).toEqual([]);
    expect(await bot.report()).toBeNull();
    expect(await setting.test.engine.verify()).toEqual([]);
  });

  it("2.1.30 a thousand sessions and signals are stored in seconds, and folded completely", async () => {
    const bot = await setting.contest({ policy: { futility: null, horizon: 100_000 } });
    const count = 1000;
    await setting.test.runSessions(count, async (i) => {
      const session = await bot.session();
      const writes = [session.signal({ name: "tests", value: i % 2, kind: "implicit" }), session.end()];
      if (i % 250 === 249) await Promise.all(writes);
    });
    await setting.test.settleAll();
    expect(await setting.sql("SELECT count(*) AS n FROM signals")).toEqual([{ n: count }]);
    expect((await bot.evaluate())!.sessionCount).toBe(count);
  });
});

describe("evolve: configs and mutators", () => {
  const setting = useSetting();

  it("2.1.31 a fingerprint is of the content: equal for equal configs, whatever the order of keys", async () => {
    const bot = await setting.test.engine.project("support", { champion: { model: "m", rules: ["a"] } });
    const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
    const [first] = await bot.configs();
    expect(first!.hash).toBe(hashOf('{"model":"m","rules":["a"]}'));
    expect(JSON.parse(JSON.stringify(first!.body))).toEqual({ model: "m", rules: ["a"] });
    expect(await bot.challenge({ rules: ["a"], model: "m" })).toMatchObject({ status: "is-champion" });
    for (const other of [
      { model: "n", rules: ["a"] },
      { model: "m", rules: ["a", "b"] },
    ])
      expect((await bot.draft(other)).experiment!.challengers[0]!.hash).not.toBe(first!.hash);
  });

  it("2.1.32 a challenger made from the champion changes what it says and nothing else", async () => {
    const champion = { model: "m", prompt: "long", tools: ["read", "write"] };
    const bot = await setting.test.engine.project("support", { champion });
    await bot.challenge((own) => ({ ...own, tools: [...own.tools, "run"] }));
    expect((await bot.configs())[1]!.changes).toEqual([{ path: "/tools/2", kind: "added", after: "run" }]);
    expect(bot.champion).toEqual(champion);
  });
});

/*
 * Not tested here:
 *
 * 2.1.20     listing sessions newest first, limited: the library lists none yet; the report counts them by arm
 * 2.1.23-25  deleting a project with all it has: comes with data and upkeep (`prune`)
 * 2.1.31     defaults for an unknown adapter: a config is any JSON object; a Standard Schema has the defaults
 * 2.1.32     mutators, their weights and the LLM's: challengers are generated by the host so far
 * 2.1.33     installing into other tools, managed sections: adapters of other platforms
 * 2.1.34     transcript parsing; 2.1.35 Aider's and Cursor's signals: any code may send signals instead
 * 2.1.36     dashboard: comes with the HTTP server
 */

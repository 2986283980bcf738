import Database from "libsql";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RunningTrajectory } from "../../src/core/decision/trajectory.js";
import { RunningConfidence } from "../../src/core/sequential/confidence-sequence.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { engineOver } from "../support/engine.js";
import { temporaryDatabase } from "../support/temporary.js";

const UNITS = 100_000;

/** What of an experiment is worked on in one go, at most; each takes some 5 milliseconds. */
const LIMITS = { rows: 250, steps: 15_000, points: 5 };

/** Sessions of the running experiment that have ended and settled, as agents would have left them. */
function addSessions(path: string, count: number): void {
  const database = new Database(path, { timeout: 5000 });
  database.exec(`INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, shares, is_evidence, context,
      started_at_ms, window_ends_at_ms, ended_at_ms, settled_at_ms, score, is_missing, is_abandoned)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    SELECT 's' || n || '-' || (SELECT count(*) FROM sessions), experiments.project_id, arms.config_id, experiments.id,
      arms.id, '[0.5]', 1, iif(n % 3 = 0, '{"plan":"pro"}', '{"plan":"free"}'), n, n + 1, n, n, (n * 7919) % 100 < 52, 0, 0
    FROM numbers JOIN experiments ON status = 'running'
      JOIN arms ON experiment_id = experiments.id AND position = (n * 104729) % 1009 % 2
    ORDER BY n`);
  database.close();
}

type Work = Record<keyof typeof LIMITS, number>;

/** Work in all, and the most there was of each kind between two turns of the event loop. */
class Turns {
  count = 0;
  all: Work = { rows: 0, steps: 0, points: 0 };
  most: Work = { rows: 0, steps: 0, points: 0 };
  #now: Work = { rows: 0, steps: 0, points: 0 };
  #isWatching = true;

  constructor() {
    const turn = (): void => {
      this.count += 1;
      this.#now = { rows: 0, steps: 0, points: 0 };
      if (this.#isWatching) setImmediate(turn);
    };
    setImmediate(turn);
  }

  did(what: keyof Work, amount: number): void {
    this.all[what] += amount;
    this.#now[what] += amount;
    this.most[what] = Math.max(this.most[what], this.#now[what]);
  }

  /** What work by `fn` came to. */
  async of(fn: () => Promise<unknown>): Promise<Pick<Turns, "all" | "most">> {
    this.all = { rows: 0, steps: 0, points: 0 };
    this.most = { rows: 0, steps: 0, points: 0 };
    await fn();
    return { all: this.all, most: this.most };
  }

  stop(): void {
    this.#isWatching = false;
  }
}

/** An engine whose reads and computations are counted. */
async function watched(path: string) {
  const turns = new Turns();
  const real = await openSqlStore(locate(path), { mustExist: true });
  const foldRows: typeof real.foldRows = async (input) => {
    const rows = await real.foldRows(input);
    turns.did("rows", rows.length);
    return rows;
  };
  const store = new Proxy(real, {
    get: (target, name) => {
      const value: unknown = name === "foldRows" ? foldRows : Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { work } = RunningConfidence.prototype;
  vi.spyOn(RunningConfidence.prototype, "work").mockImplementation(function (this: RunningConfidence, steps) {
    const taken = work.call(this, steps);
    turns.did("steps", taken);
    return taken;
  });
  const { work: workOnPoints } = RunningTrajectory.prototype;
  vi.spyOn(RunningTrajectory.prototype, "work").mockImplementation(function (
    this: RunningTrajectory,
    history,
    count,
  ) {
    turns.did("points", count);
    return workOnPoints.call(this, history, count);
  });
  const { engine } = await engineOver(async () => store);
  return { engine, turns };
}

describe("an experiment of 100,000 units", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is reported, drawn and recomputed in small parts between which the loop turns, and again for what is new", async () => {
    const path = temporaryDatabase();
    const first = await engineOver(() => openSqlStore(locate(path), { mustExist: false }));
    const project = await first.engine.project("bot", { champion: { n: 1 } });
    await project.challenge({ n: 2 }, { share: 0.5, horizon: UNITS + 500, policy: { futility: null } });
    addSessions(path, UNITS);
    await first.engine.decide();
    await first.engine.close();

    const { engine, turns } = await watched(path);
    const bot = await engine.project("bot");
    const report = await turns.of(() => bot.report());
    expect(report.all.rows).toBe(UNITS);
    expect(report.most).toEqual({ rows: LIMITS.rows, steps: LIMITS.steps, points: 0 });
    expect(turns.count).toBeGreaterThan(UNITS / LIMITS.rows);
    expect((await turns.of(() => bot.report())).all).toEqual({ rows: 0, steps: 0, points: 0 });
    const trajectory = await turns.of(() => bot.trajectory());
    expect(trajectory.all.rows).toBe(0);
    expect(trajectory.most.points).toBe(LIMITS.points);

    addSessions(path, 400);
    await engine.decide();
    const later = await turns.of(() => bot.report());
    // Each new session is a step of both ends of the interval.
    expect(later.all).toEqual({ rows: 400, steps: 800, points: 0 });

    await bot.abort({ reason: "seen enough", actor: "ada" });
    const doctor = await turns.of(async () => {
      const { verification } = await engine.doctor({ verify: true });
      expect(verification).toMatchObject({ decisions: 1, differentEvidence: [], differentDecisions: [] });
    });
    // The evidence from zero, then the decision from zero.
    expect(doctor.all.rows).toBe(2 * (UNITS + 400));
    expect(doctor.most).toEqual({ rows: LIMITS.rows, steps: LIMITS.steps, points: 0 });
    turns.stop();
    await engine.close();
  }, 240_000);
});

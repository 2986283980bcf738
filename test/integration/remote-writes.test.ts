/** What is written to a libSQL server is what a file would hold, in few journeys, each reply of which may be lost. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WriteConnection } from "../../src/store/file/write-connection.js";
import { locate, type RemoteLocation } from "../../src/store/location.js";
import { RemoteConnection } from "../../src/store/remote/write-connection.js";
import type { Outcome, WriteOperation, WriteStatement } from "../../src/store/writer/write-protocol.js";
import { type LibsqlDouble, type Pipeline, startLibsqlDouble } from "../support/libsql-double.mjs";
import {
  anyOperations,
  cuts,
  inBatches,
  interleaved,
  MIGRATIONS,
  operationsOf,
  seededDatabase,
  story,
  WINDOW_MS,
} from "../support/written.js";

const open: { close(): unknown }[] = [];
let double: LibsqlDouble;
beforeEach(async () => {
  double = await startLibsqlDouble({ synchronous: "OFF" });
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await double.close();
});

/** A database with a connection by way of the double. */
async function remote(patienceMs = 10_000) {
  const { path, database, dump } = seededDatabase();
  const location = locate(`${double.url}/${Buffer.from(path).toString("base64url")}`) as RemoteLocation;
  const connect = (): Promise<RemoteConnection> =>
    RemoteConnection.open(location, { migrationsFolder: MIGRATIONS, patienceMs });
  const writer = await connect();
  open.push(writer, database);
  double.trips = 0;
  return { writer, database, dump, connect, path };
}

/** The same database as a file. */
function local() {
  const { path, database, dump } = seededDatabase();
  const writer = new WriteConnection(path, MIGRATIONS);
  open.push(writer, database);
  return { writer, dump };
}

/** What a server adds to a message is its own. */
const told = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.status === "failed" ? { status: "failed" } : outcome));

const isWriting = ({ requests }: Pipeline): boolean => JSON.stringify(requests).includes("write_receipts");

const startOf = (id: string, more: object = {}): WriteOperation => ({
  kind: "start",
  start: {
    ...{
      id,
      projectId: 1,
      configId: 1,
      experimentId: 1,
      armId: 1,
      unit: null,
      shares: [0.5],
      excluded: null,
    },
    ...{
      isExclusive: false,
      context: null,
      root: null,
      startedAtMs: 0,
      windowEndsAtMs: WINDOW_MS,
      mayExist: false,
    },
    ...more,
  },
});
const endOf = (sessionId: string, score: number | null = 1): WriteOperation => ({
  kind: "end",
  end: { sessionId, atMs: 1, score },
});
const signalOf = (sessionId: string, key: string, value = 0.1): WriteOperation => ({
  kind: "signal",
  signal: { sessionId, key, name: "thumbs", value, kind: "explicit", source: null, atMs: 1 },
});
const change = (...statements: WriteStatement[]): WriteOperation => ({ kind: "statements", statements });
const moved = (from: number): WriteStatement => ({
  sql: "UPDATE experiments SET version = ? WHERE uid = 'e' AND version = ?",
  params: [from + 1, from],
  changes: 1,
});

describe("what a server is given to write", () => {
  it("comes to the same rows and answers as the operations one by one in a file, whichever replies are lost", async () => {
    const faults = fc.array(fc.constantFrom(null, null, "cut" as const, "lose" as const), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyOperations(10), faults, async (operations, given) => {
        const [there, here] = [await remote(), local()];
        const left = [...given];
        double.fault = () => left.shift() ?? null;
        const outcomes = await there.writer.apply(operations);
        double.fault = () => null;
        expect(told(outcomes)).toEqual(
          told(operations.flatMap((operation) => here.writer.apply([operation]))),
        );
        expect(there.dump()).toEqual(here.dump());
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it("of whole sessions, cut into batches anywhere, comes to the same too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(story, { minLength: 1, maxLength: 8 }), cuts, async (stories, places) => {
        const operations = interleaved(stories.map((each, i) => operationsOf(each, `s${i}`)));
        const [there, here] = [await remote(), local()];
        const outcomes: Outcome[] = [];
        for (const batch of inBatches(operations, places))
          outcomes.push(...(await there.writer.apply(batch)));
        expect(told(outcomes)).toEqual(
          told(operations.flatMap((operation) => here.writer.apply([operation]))),
        );
        expect(there.dump()).toEqual(here.dump());
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

describe("journeys to a server", () => {
  const ids = Array.from({ length: 500 }, (_, i) => `n${i}`);

  it("are one for a batch of starts, signals and ends", async () => {
    const { writer } = await remote();
    const batch = ids.flatMap((id) => [startOf(id), signalOf(id, "a"), endOf(id, 0.1)]);
    expect(new Set(told(await writer.apply(batch)))).toEqual(new Set([{ status: "recorded" }]));
    expect(double.trips).toBe(1);
    await writer.apply(ids.map((id) => signalOf(id, "b")));
    // Those are late: a try, what is known of the sessions and of the signals, and a write; by halves.
    expect(double.trips).toBeLessThan(100);
  });

  it("are one for units that are new, and three where some are known", async () => {
    const { writer } = await remote();
    const withUnits = (prefix: string): WriteOperation[] =>
      ids.map((id) => startOf(`${prefix}${id}`, { unit: id, isExclusive: true }));
    await writer.apply(withUnits("a"));
    expect(double.trips).toBe(1);
    const outcomes = await writer.apply([...withUnits("b"), startOf("c", { unit: "another" })]);
    expect(double.trips).toBe(4);
    expect(outcomes.filter(({ status }) => status === "started")).toHaveLength(500);
  });

  it("are one for a change, and one more where somebody was faster", async () => {
    const { writer, database } = await remote();
    expect(await writer.apply([change(moved(1))])).toEqual([{ status: "recorded" }]);
    expect(double.trips).toBe(1);
    database.exec("UPDATE experiments SET version = 7 WHERE uid = 'e'");
    expect(await writer.apply([change(moved(2)), startOf("n")])).toEqual([
      { status: "conflict", index: 0 },
      { status: "recorded" },
    ]);
    expect(double.trips).toBe(3);
  });

  it("are few where two of one process want the very same: one of them gets it", async () => {
    const { writer } = await remote();
    expect(await writer.apply([change(moved(1)), change(moved(1)), startOf("n")])).toEqual([
      { status: "recorded" },
      { status: "conflict", index: 0 },
      { status: "recorded" },
    ]);
    expect(double.trips).toBe(2);
  });

  it("are one where nothing has to be written", async () => {
    const { writer } = await remote();
    const [found] = await writer.apply([{ kind: "find", sessionId: "old" }]);
    expect(found).toMatchObject({ status: "started", session: { id: "old" } });
    expect(double.trips).toBe(1);
  });

  it("stay few where sessions are parts of others", async () => {
    const { writer } = await remote();
    await writer.apply([startOf("root"), startOf("part", { root: "root" })]);
    double.trips = 0;
    await writer.apply([endOf("root")]);
    // It is found out in two tries; then it goes by the rows: the session, its parts, their signals, and the write.
    expect(double.trips).toBeLessThanOrEqual(8);
    const [some, others] = [ids.slice(0, 100), ids.slice(100)];
    await writer.apply(ids.map((id) => startOf(id)));
    await writer.apply(some.map((id) => endOf(id)));
    double.trips = 0;
    // That there are parts is known by now.
    await writer.apply(others.map((id) => endOf(id)));
    expect(double.trips).toBe(1);
  });
});

describe("a reply that is lost", () => {
  const cases: readonly (readonly [name: string, operations: WriteOperation[], query: string])[] = [
    ["a start", [startOf("n")], "SELECT count(*) AS n FROM sessions WHERE id = 'n'"],
    [
      "a start that claims a unit",
      [startOf("n", { unit: "u" })],
      "SELECT count(*) AS n FROM units JOIN sessions ON sessions.id = session_id WHERE excluded IS NULL",
    ],
    ["a signal", [signalOf("old", "k")], "SELECT count(*) AS n FROM signals"],
    ["an end", [endOf("old")], "SELECT count(*) AS n FROM sessions WHERE score = 1"],
    ["a change", [change(moved(1))], "SELECT count(*) AS n FROM experiments WHERE version = 2"],
    [
      "an addition that nothing keeps from being made twice",
      [
        change({
          sql: "INSERT INTO audit_log (project_id, action, actor, details, at_ms) VALUES (1, 'a', 'b', '{}', 0)",
          params: [],
        }),
      ],
      "SELECT count(*) AS n FROM audit_log",
    ],
  ];

  it.each(cases)("to %s is no doubling: it is told as it was", async (_name, operations, query) => {
    for (const fault of ["lose", "cut"] as const) {
      const { writer, database } = await remote();
      let faults = 2;
      double.fault = (body) => (isWriting(body) && faults-- > 0 ? fault : null);
      expect(await writer.apply(operations)).toEqual([{ status: "recorded" }]);
      double.fault = () => null;
      expect(database.prepare(query).all()).toEqual([{ n: 1 }]);
    }
  });

  it("may be of an attempt that comes after its repetition, which then is not committed", async () => {
    const { writer, database } = await remote();
    let go = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      go = resolve;
    });
    let isFirst = true;
    let done: Promise<unknown> = Promise.resolve();
    double.fault = (body) => {
      if (!isWriting(body) || !isFirst) return null;
      isFirst = false;
      done = until;
      return { until };
    };
    const addition = "UPDATE projects SET holdout_buckets = holdout_buckets + 1 WHERE key = 'p'";
    expect(await writer.apply([change({ sql: addition, params: [] })])).toEqual([{ status: "recorded" }]);
    go();
    await done;
    await writer.apply([startOf("n")]);
    const held = database.prepare("SELECT holdout_buckets AS n FROM projects WHERE key = 'p'");
    expect(held.all()).toEqual([{ n: 1 }]);
  });

  it("for good is an error, and nothing of it is committed behind what is written later", async () => {
    const { writer, database } = await remote(0);
    let go = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      go = resolve;
    });
    double.fault = () => ({ until });
    await expect(writer.apply([startOf("n")])).rejects.toMatchObject({ code: "REMOTE_LOST" });
    double.fault = () => null;
    await writer.apply([startOf("m")]);
    go();
    await until;
    await writer.apply([startOf("o")]);
    const rows = database.prepare("SELECT id FROM sessions WHERE id <> 'old' ORDER BY seq").all();
    expect(rows).toEqual([{ id: "m" }, { id: "o" }]);
  });
});

describe("what was spooled", () => {
  const replayOf = (operation: WriteOperation): WriteOperation => {
    if (operation.kind === "end" || operation.kind === "signal") return { kind: "replay", entry: operation };
    if (operation.kind !== "start") return operation;
    const names = { config: "b", experiment: "e", arm: 1 };
    return { kind: "replay", entry: { kind: "start", start: operation.start, project: "p", names } };
  };
  const spooled = Array.from({ length: 30 }, (_, i) => [
    startOf(`n${i}`),
    signalOf(`n${i}`, "a"),
    endOf(`n${i}`),
  ])
    .flat()
    .map(replayOf);

  it("is stored in few journeys, and once, however often it is replayed", async () => {
    const { writer, database } = await remote();
    const outcomes = await writer.apply(spooled);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["recorded"]));
    expect(double.trips).toBeLessThanOrEqual(5);
    double.trips = 0;
    await writer.apply(spooled);
    expect(double.trips).toBeLessThan(30);
    const counts = database.prepare(
      "SELECT (SELECT count(score) FROM sessions) AS settled, (SELECT count(*) FROM signals) AS signals",
    );
    expect(counts.all()).toEqual([{ settled: 30, signals: 30 }]);
  });
});

describe("two writers on one server", () => {
  it("agree on a unit, and each sees what the other has written", async () => {
    const { writer, connect, database } = await remote();
    const other = await connect();
    open.push(other);
    const outcomes: Outcome[] = [];
    const claimAll = async (each: RemoteConnection, w: number): Promise<void> => {
      for (let i = 0; i < 20; i += 1)
        outcomes.push(...(await each.apply([startOf(`w${w}-${i}`, { unit: `u${i}`, armId: 1 + w })])));
    };
    await Promise.all([claimAll(writer, 0), claimAll(other, 1)]);
    const taken = outcomes.filter(({ status }) => status === "recorded");
    expect(taken).toHaveLength(20);
    const arms = `SELECT count(DISTINCT arm_id) AS arms FROM sessions WHERE unit IS NOT NULL GROUP BY unit`;
    expect(database.prepare(arms).all()).toEqual(Array.from({ length: 20 }, () => ({ arms: 1 })));
  });

  it("try again for as long as their patience lasts, and then have written nothing", async () => {
    const { writer, database } = await remote(100);
    double.fault = () => ({ status: 503 });
    await expect(writer.apply([startOf("n")])).rejects.toMatchObject({ code: "REMOTE_LOST" });
    expect(double.trips).toBeGreaterThan(1);
    double.fault = () => null;
    expect(database.prepare("SELECT count(*) AS n FROM sessions").all()).toEqual([{ n: 1 }]);
    expect(await writer.apply([startOf("n")])).toEqual([{ status: "recorded" }]);
  });
});

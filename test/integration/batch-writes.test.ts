/** A batch written at once is what its operations would have been one by one, bit for bit. */
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import Database from "libsql";
import { afterEach, describe, expect, it } from "vitest";
import type { SessionStart } from "../../src/engine/ports.js";
import { WriteConnection } from "../../src/store/write-connection.js";
import type { WriteOperation } from "../../src/store/write-protocol.js";
import { temporaryDatabase } from "../support/temporary.js";

const MIGRATIONS = new URL("../../drizzle", import.meta.url).pathname;
const WINDOW_MS = 100;

const SEED = `
  INSERT INTO configs (hash, body, created_at_ms) VALUES ('a', '{}', 0), ('b', '{}', 0);
  INSERT INTO projects (key, champion_config_id, created_at_ms) VALUES ('p', 1, 0), ('q', 1, 0);
  INSERT INTO experiments (uid, project_id, status, version, champion_config_id, challenger_config_id, again,
    hash_version, policy, policy_hash, promotion, created_at_ms, exclusion_group)
    VALUES ('e', 1, 'running', 1, 1, 2, '', 2, '{}', '', 'auto', 0, 'g'),
      ('f', 2, 'running', 1, 1, 2, '', 2, '{}', '', 'auto', 0, 'g');
  INSERT INTO arms (experiment_id, position, role, config_id, bucket_count) VALUES (1, 0, 'champion', 1, 5000),
    (1, 1, 'challenger', 2, 5000), (2, 0, 'champion', 1, 5000), (2, 1, 'challenger', 2, 5000);
  INSERT INTO sessions (id, project_id, config_id, is_evidence, started_at_ms, window_ends_at_ms)
    VALUES ('old', 1, 1, 0, 0, ${WINDOW_MS});`;

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Made once, and copied: to migrate takes longer than what is tested. */
let template: Buffer | undefined;

function makeTemplate(): Buffer {
  const path = temporaryDatabase();
  new WriteConnection(path, MIGRATIONS).close();
  const database = new Database(path);
  database.exec(SEED);
  // Into the file itself, which is what is copied.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return readFileSync(path);
}

function seeded(): { writer: WriteConnection; dump: () => unknown } {
  template ??= makeTemplate();
  const path = temporaryDatabase();
  writeFileSync(path, template);
  const database = new Database(path);
  const writer = new WriteConnection(path, MIGRATIONS);
  open.push(writer, database);
  const all = (sql: string): unknown => database.prepare(sql).all();
  return {
    writer,
    dump: () => [
      all("SELECT * FROM sessions ORDER BY seq"),
      all(
        "SELECT session_seq, key, name, value, kind, source, accepted_at_ms, is_late FROM signals ORDER BY id",
      ),
      all("SELECT * FROM units ORDER BY experiment_id, unit"),
    ],
  };
}

const id = fc.constantFrom("s1", "s2", "s3", "old", "nobody");
const atMs = fc.constantFrom(1, 2, WINDOW_MS, WINDOW_MS + 1);
const number = fc.oneof(
  fc.constantFrom(0, 1, 0.1, 0.5019211708142161, 1e300, 5e-324, -3),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const start = fc
  .record({
    id: fc.constantFrom("s1", "s2", "s3", "s4", "old"),
    inside: fc.constantFrom(1, 2, null),
    arm: fc.constantFrom(0, 1),
    unit: fc.constantFrom(null, null, "u", "v"),
    excluded: fc.constantFrom(null, null, null, "override", "audience", "share"),
    root: fc.constantFrom(null, null, null, "s1", "old"),
    mayExist: fc.boolean(),
    // A config that is not there: a bad row.
    configId: fc.constantFrom(1, 1, 1, 1, 1, 1, 99),
  })
  .map(({ inside, arm, configId, ...rest }): WriteOperation => {
    const full: SessionStart = {
      projectId: inside ?? 1,
      configId: configId === 99 ? 99 : 1 + arm,
      experimentId: inside,
      armId: inside === null ? null : 2 * inside - 1 + arm,
      shares: [0.5],
      isExclusive: true,
      context: null,
      startedAtMs: 0,
      windowEndsAtMs: WINDOW_MS,
      ...rest,
      excluded: rest.excluded as SessionStart["excluded"],
    };
    return { kind: "start", start: full };
  });

const end = fc
  .record({ sessionId: id, atMs, score: fc.constantFrom(null, 0, 1, 0.1, 0.5019211708142161) })
  .map((each): WriteOperation => ({ kind: "end", end: each }));

const signal = fc
  .record({
    sessionId: id,
    key: fc.constantFrom("k1", "k2"),
    name: fc.constantFrom("cost", "thumbs"),
    value: number,
    kind: fc.constantFrom(null, "explicit" as const),
    source: fc.constantFrom(null, "judge"),
    atMs,
  })
  .map((each): WriteOperation => ({ kind: "signal", signal: each }));

const COSTS = [0.1, 1, 0.5019211708142161];

/** A session from its start to its end and beyond, in time and well-formed as most are. */
const story = fc.record({
  arm: fc.constantFrom(0, 1),
  unit: fc.constantFrom(null, null, "u", "v"),
  context: fc.constantFrom(null, null, '{"plan":"\u00fc"}"}'),
  mayExist: fc.boolean(),
  costs: fc.subarray(COSTS),
  end: fc.constantFrom(null, ...[null, 0, 1, 0.1, 0.5019211708142161].map((score) => ({ score }))),
  endAtMs: fc.constantFrom(1, WINDOW_MS, WINDOW_MS, WINDOW_MS + 1),
  isRated: fc.boolean(),
});

function operationsOf(
  { arm, unit, context, mayExist, costs, end: given, endAtMs, isRated }: Told<typeof story>,
  sessionId: string,
): WriteOperation[] {
  const start: SessionStart = {
    id: sessionId,
    projectId: 1,
    configId: 1 + arm,
    experimentId: 1,
    armId: 1 + arm,
    shares: [0.5],
    excluded: null,
    isExclusive: false,
    root: null,
    startedAtMs: 0,
    windowEndsAtMs: WINDOW_MS,
    ...{ unit, context, mayExist },
  };
  const signalOf = (key: string, value: number): WriteOperation => {
    const rest = { name: "cost", kind: null, source: null, atMs: 1 };
    return { kind: "signal", signal: { sessionId, key, value, ...rest } };
  };
  return [
    { kind: "start", start },
    ...costs.map((cost) => signalOf(`cost-${cost}`, cost)),
    ...(given ? [{ kind: "end", end: { sessionId, atMs: endAtMs, score: given.score } } as const] : []),
    ...(isRated ? [signalOf("rating", 1)] : []),
  ];
}

type Told<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

/** Side by side, each in its own order. */
function interleaved(stories: readonly WriteOperation[][]): WriteOperation[] {
  const length = Math.max(...stories.map((each) => each.length));
  return Array.from({ length }, (_, i) => stories.flatMap((each) => each.slice(i, i + 1))).flat();
}

const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 3 });

function inBatches(operations: WriteOperation[], places: readonly number[]): WriteOperation[][] {
  const ends = [...new Set([...places, operations.length])].sort((a, b) => a - b);
  return ends.map((end, i) => operations.slice(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

describe("a batch of operations", () => {
  it("comes to the same rows and the same answers as its operations one by one", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(start, start, end, signal), { maxLength: 14 }), (operations) => {
        const together = seeded();
        const apart = seeded();
        const outcomes = together.writer.apply(operations);
        expect(outcomes).toEqual(operations.flatMap((operation) => apart.writer.apply([operation])));
        expect(together.dump()).toEqual(apart.dump());
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("of whole sessions, cut into batches anywhere, comes to the same rows too", () => {
    fc.assert(
      fc.property(fc.array(story, { minLength: 1, maxLength: 8 }), cuts, (stories, places) => {
        const operations = interleaved(stories.map((each, i) => operationsOf(each, `s${i}`)));
        const together = seeded();
        const apart = seeded();
        const outcomes = inBatches(operations, places).flatMap((batch) => together.writer.apply(batch));
        expect(outcomes).toEqual(operations.flatMap((operation) => apart.writer.apply([operation])));
        expect(together.dump()).toEqual(apart.dump());
      }),
      { numRuns: 80 },
    );
  }, 60_000);

  it("with one bad row fails that one alone", () => {
    const { writer, dump } = seeded();
    const one = (sessionId: string, configId: number): WriteOperation => ({
      kind: "start",
      start: {
        id: sessionId,
        projectId: 1,
        configId,
        experimentId: 1,
        armId: 1,
        unit: null,
        shares: [0.5],
        excluded: null,
        isExclusive: false,
        context: null,
        root: null,
        startedAtMs: 0,
        windowEndsAtMs: WINDOW_MS,
        mayExist: false,
      },
    });
    const operations = [one("a", 1), one("b", 99), one("c", 1)];
    expect(writer.apply(operations).map(({ status }) => status)).toEqual(["recorded", "failed", "recorded"]);
    expect((dump() as { id: string }[][])[0]!.map((row) => row.id)).toEqual(["old", "a", "c"]);
  });

  it("knows a key with half a character again, as a cut through an emoji leaves it", () => {
    const { writer, dump } = seeded();
    const of = (key: string): WriteOperation => ({
      kind: "signal",
      signal: { sessionId: "old", key, name: "n", value: 1, kind: null, source: null, atMs: 1 },
    });
    const half = "😀".slice(0, 1);
    expect(writer.apply([of(half), of("whole")]).map(({ status }) => status)).toEqual([
      "recorded",
      "recorded",
    ]);
    expect(writer.apply([of(half)])).toEqual([{ status: "duplicate" }]);
    expect((dump() as unknown[][])[1]).toHaveLength(2);
  });

  it("keeps every number as it was given, to the last bit", () => {
    const { writer, dump } = seeded();
    // 17 digits that SQLite itself reads one bit off.
    const values = [
      0.501921170814216,
      6.956560422332561,
      0.4453615207387496,
      1 / 3,
      1e-15,
      123456.789,
      2 ** 60,
    ];
    const outcomes = writer.apply(
      values.map((value, index) => ({
        kind: "signal" as const,
        signal: { sessionId: "old", key: `k${index}`, name: "n", value, kind: null, source: null, atMs: 1 },
      })),
    );
    expect(outcomes.every(({ status }) => status === "recorded")).toBe(true);
    expect((dump() as { value: number }[][])[1]!.map(({ value }) => value)).toEqual(values);
  });
});

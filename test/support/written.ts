/** Operations of sessions as they may come, and databases to write them to. */
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import Database from "libsql";
import type { SessionStart } from "../../src/engine/ports.js";
import { WriteConnection } from "../../src/store/file/write-connection.js";
import type { WriteOperation } from "../../src/store/writer/write-protocol.js";
import { temporaryDatabase } from "./temporary.js";

/** Where the migrations are. */
export const MIGRATIONS = new URL("../../drizzle", import.meta.url).pathname;
/** Of every session. */
export const WINDOW_MS = 100;

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

/** A database with two projects, each with an experiment of one exclusion group, and a session. */
export function seededDatabase(): { path: string; database: Database.Database; dump: () => unknown } {
  template ??= makeTemplate();
  const path = temporaryDatabase();
  writeFileSync(path, template);
  const database = new Database(path);
  const all = (sql: string): unknown => database.prepare(sql).all();
  return {
    path,
    database,
    dump: () => [
      all("SELECT * FROM sessions ORDER BY seq"),
      all(
        "SELECT session_seq, key, name, value, kind, source, accepted_at_ms, is_late FROM signals ORDER BY id",
      ),
      all("SELECT * FROM units ORDER BY experiment_id, unit"),
      all("SELECT uid, version FROM experiments ORDER BY uid"),
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

/** A change that is made at one version alone: of several that want the same, one gets it. */
const change = fc.constantFrom(1, 1, 2).map((version): WriteOperation => {
  const sql = "UPDATE experiments SET version = version + 1 WHERE uid = 'e' AND version = ?";
  return { kind: "statements", statements: [{ sql, params: [version], changes: 1 }] };
});

/** Any operations at all, most of them about the same few sessions. */
export const anyOperations = (maxLength: number): fc.Arbitrary<WriteOperation[]> =>
  fc.array(fc.oneof(start, start, end, signal, change), { maxLength });

const COSTS = [0.1, 1, 0.5019211708142161];

/** A session from its start to its end and beyond, in time and well-formed as most are. */
export const story = fc.record({
  arm: fc.constantFrom(0, 1),
  unit: fc.constantFrom(null, null, "u", "v"),
  context: fc.constantFrom(null, null, '{"plan":"\u00fc"}"}'),
  mayExist: fc.boolean(),
  costs: fc.subarray(COSTS),
  end: fc.constantFrom(null, ...[null, 0, 1, 0.1, 0.5019211708142161].map((score) => ({ score }))),
  endAtMs: fc.constantFrom(1, WINDOW_MS, WINDOW_MS, WINDOW_MS + 1),
  isRated: fc.boolean(),
});

/** What a story has for the writer. */
export function operationsOf(
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
export function interleaved(stories: readonly WriteOperation[][]): WriteOperation[] {
  const length = Math.max(...stories.map((each) => each.length));
  return Array.from({ length }, (_, i) => stories.flatMap((each) => each.slice(i, i + 1))).flat();
}

/** Where a list of operations is cut into batches. */
export const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 3 });

/** Operations cut into batches. */
export function inBatches(operations: WriteOperation[], places: readonly number[]): WriteOperation[][] {
  const ends = [...new Set([...places, operations.length])].sort((a, b) => a - b);
  return ends.map((end, i) => operations.slice(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

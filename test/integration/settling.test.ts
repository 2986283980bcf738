/** Sessions settle a page at a time, each only as it was read. */
import { afterEach, describe, expect, it } from "vitest";
import type { SettledSession, Store } from "../../src/engine/ports.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { query, tamper } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const SESSIONS = [
  `INSERT INTO configs (hash, body, created_at_ms) VALUES ('a', '{}', 0)`,
  `INSERT INTO projects (key, champion_config_id, created_at_ms) VALUES ('p', 1, 0), ('q', 1, 0)`,
  `INSERT INTO sessions (id, project_id, config_id, is_evidence, started_at_ms, window_ends_at_ms, ended_at_ms)
    VALUES ('a', 1, 1, 0, 0, 10, 1), ('b', 1, 1, 0, 0, 11, NULL), ('c', 2, 1, 0, 0, 12, 1), ('d', 1, 1, 0, 0, 99, 1)`,
  `INSERT INTO signals (session_seq, key, name, value, kind, accepted_at_ms, is_late)
    VALUES (1, 'k', 'judge', 0.7, 'explicit', 1, 0), (1, 'l', 'cost', 0.1, NULL, 1, 0), (1, 'm', 'late', 1, NULL, 20, 1)`,
];

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function opened(): Promise<{ store: Store; path: string }> {
  const path = temporaryDatabase();
  const store = await openSqlStore(locate(path), { mustExist: false });
  await tamper(path, ...SESSIONS);
  open.push(store);
  return { store, path };
}

const settled = (seq: number, more: Partial<SettledSession>, score: number | null): SettledSession => ({
  seq,
  settledAtMs: 10,
  signalCount: 0,
  hasEnded: true,
  ...more,
  settlement: { score, isMissing: score === null, isAbandoned: false },
});

const scores = async (path: string): Promise<unknown> =>
  (
    await query<{ score: number }>(path, "SELECT score FROM sessions WHERE settled_at_ms = 10 ORDER BY seq")
  ).map(({ score }) => score);

describe("sessions whose window has closed", () => {
  it("are read with their end and their counted signals, the first to close before the others", async () => {
    const { store } = await opened();
    const due = await store.dueSessions({ nowMs: 50, limit: 10, projectKey: null });
    expect(due.map(({ seq, hasEnded }) => [seq, hasEnded])).toEqual([
      [1, true],
      [2, false],
      [3, true],
    ]);
    expect(due[0]?.signals).toEqual([
      { name: "judge", value: 0.7, kind: "explicit" },
      { name: "cost", value: 0.1, kind: null },
    ]);
    expect(await store.dueSessions({ nowMs: 50, limit: 1, projectKey: "q" })).toMatchObject([{ seq: 3 }]);
  });

  it("are not read from a store that is closed", async () => {
    const { store } = await opened();
    await store.close();
    const read = store.dueSessions({ nowMs: 50, limit: 10, projectKey: null });
    await expect(read).rejects.toMatchObject({ code: "storage_unavailable" });
  });

  it("settle together, to the last bit; those that have changed since they were read stay open", async () => {
    const { store, path } = await opened();
    await store.settleSessions([
      settled(1, { signalCount: 2 }, 0.5019211708142161),
      settled(2, { hasEnded: true }, 1),
      settled(3, { signalCount: 1 }, 1),
      settled(4, {}, 1 / 3),
    ]);
    expect(await scores(path)).toEqual([0.5019211708142161, 1 / 3]);
    await store.settleSessions([settled(1, { signalCount: 2 }, 0), settled(2, { hasEnded: false }, null)]);
    expect(await scores(path)).toEqual([0.5019211708142161, null, 1 / 3]);
  });

  it("settle one by one where a score does not travel with others", async () => {
    const { store, path } = await opened();
    await store.settleSessions([settled(1, { signalCount: 2 }, 1e-200), settled(3, {}, 1)]);
    expect(await scores(path)).toEqual([1e-200, 1]);
  });
});

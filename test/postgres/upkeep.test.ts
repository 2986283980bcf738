/** What upkeep of a file does and a server does not: it says so before anything is done, and what to do instead. */
import { expect, it } from "vitest";
import { createTestEngine } from "../../src/testing.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

it("copies and rewriting are the server's own matter; nothing is deleted before that is said", async () => {
  const url = temporaryDatabase();
  await using test = await createTestEngine({ url });
  await test.engine.project("support", { champion: { prompt: "long" } });
  const refused = { code: "not_supported_here", kind: "invalid_input" };
  await expect(test.engine.backup("copy.db")).rejects.toMatchObject(refused);
  await expect(test.engine.prune({ olderThanMs: 1, vacuum: true })).rejects.toMatchObject(refused);
  const { isHealthy, database } = await test.engine.doctor({ verify: true });
  expect(isHealthy).toBe(true);
  expect(database).toMatchObject({ damages: [], danglingRows: [], walBytes: 0 });
  expect(database.bytes).toBeGreaterThan(0);
});

it("an index that is not valid is found", async () => {
  const url = temporaryDatabase();
  await using test = await createTestEngine({ url });
  await query(url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_due'::regclass");
  const { isHealthy, database } = await test.engine.doctor();
  expect(isHealthy).toBe(false);
  expect(database.damages).toEqual(["index sessions_due is not valid"]);
});

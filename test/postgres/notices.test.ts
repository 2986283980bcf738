/** Processes hear of each other's changes at once, and again after the connection they listen on was lost. */
import { afterEach, expect, it } from "vitest";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { eventually } from "../support/eventually.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const open: TestEngine[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function engineAt(url: string, seed: number): Promise<TestEngine> {
  const test = await createTestEngine({ url, seed });
  open.push(test);
  return test;
}

const LISTENING =
  "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND query LIKE '%' || ? || '%'";

// The clock stands still, so nothing is looked at again by itself.
it("a promotion elsewhere is served by the next session here, however the listening connection fared", async () => {
  const url = temporaryDatabase();
  const schema = new URL(url).searchParams.get("schema") as string;
  const [here, there] = [await engineAt(url, 1), await engineAt(url, 2)];
  const bot = await here.engine.project("support", { champion: { prompt: "a" } });
  const away = await there.engine.project("support");
  const champion = async () => JSON.stringify((await bot.session()).config);
  const serves = (prompt: string) =>
    eventually(async () => expect(await champion()).toContain(`"${prompt}"`));
  const listeners = () =>
    eventually(async () => {
      const rows = await query<{ pid: number }>(url, LISTENING, [schema]);
      expect(rows).toHaveLength(2);
      return rows;
    });

  await listeners();
  await away.challenge({ prompt: "b" });
  await away.promote({ reason: "because" });
  await serves("b");

  for (const { pid } of await listeners()) await query(url, "SELECT pg_terminate_backend(?)", [pid]);
  // What is missed meanwhile counts as a change once the connection is back.
  await away.challenge({ prompt: "c" });
  await away.promote({ reason: "because" });
  await serves("c");
  await listeners();
  await away.challenge({ prompt: "d" });
  await away.promote({ reason: "because" });
  await serves("d");
});

import { execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@libsql/client";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { nodeProcess } from "../support/processes.js";
import { temporaryDatabase } from "../support/temporary.js";

const AGENT = fileURLToPath(new URL("../support/agent-process.mjs", import.meta.url));
const run = promisify(execFile);

/** What an agent's process printed: its first and its last line. */
async function agent(url: string, count: number, mode: string, flags: readonly string[] = []) {
  const { stdout } = await run(process.execPath, [...flags, AGENT, url, String(count), mode]);
  const lines = stdout.trim().split("\n");
  return { first: JSON.parse(lines[0]!), last: JSON.parse(lines.at(-1)!) };
}

/** So that a process may do all it does but start threads. */
const WITHOUT_THREADS = [
  "--experimental-permission",
  "--allow-fs-read=*",
  "--allow-fs-write=*",
  "--allow-addons",
  "--no-warnings",
];

const WAITING = fileURLToPath(new URL("../support/assignment-process.mjs", import.meta.url));

/** A process that has looked at the project and waits for orders. */
async function waiting(url: string, refreshMs: number) {
  const child = nodeProcess(WAITING, url, String(refreshMs));
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? "null");
  expect(await answer()).toBe("ready");
  return {
    ask: (order: object): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return answer();
    },
  };
}

async function query<T>(path: string, sql: string): Promise<T[]> {
  const client = createClient({ url: `file:${path}`, timeout: 5000 });
  try {
    return (await client.execute(sql)).rows as unknown as T[];
  } finally {
    client.close();
  }
}

it("a process that may start no threads writes, ticks and closes all the same", async () => {
  const path = temporaryDatabase();
  const { first, last } = await agent(path, 200, "units", WITHOUT_THREADS);
  expect(first).toEqual({ started: true });
  expect(last.acknowledged).toBe(200);
  const rows = await query<{ n: number }>(
    path,
    "SELECT count(*) AS n FROM sessions WHERE settled_at_ms IS NOT NULL UNION ALL SELECT folded_seq FROM checkpoints",
  );
  expect(rows.map(({ n }) => n)).toEqual([200, expect.any(Number)]);
});

describe("several processes on one database", () => {
  it("open it together when it is new, write and tick together: nothing is lost, one experiment, each unit in one arm", async () => {
    const path = temporaryDatabase();
    const agents = await Promise.all([1, 2, 3, 4].map(() => agent(path, 200, "units")));
    expect(agents.filter(({ first }) => first.started)).toHaveLength(1);
    expect(agents.map(({ last }) => last.acknowledged)).toEqual([200, 200, 200, 200]);
    // 50 units over four processes: each has been seen in exactly one arm by all of them.
    expect(new Set(agents.flatMap(({ last }) => last.seen)).size).toBe(50);
    const [stored] = await query<{ n: number }>(
      path,
      "SELECT count(*) AS n FROM sessions WHERE settled_at_ms IS NOT NULL",
    );
    expect(stored?.n).toBe(800);
    const engine = await createEngine({ url: path, strict: true });
    await engine.decide();
    const evaluation = await (await engine.project("support")).evaluate();
    expect(evaluation?.sessionCount).toBe(50);
    await engine.close();
  });

  it("one killed in the middle of its work: what was acknowledged is there, and the rest goes on", async () => {
    const path = temporaryDatabase();
    await agent(path, 20, "plain");
    const child = nodeProcess(AGENT, path, "100000", "killed");
    let out = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        out += chunk;
        // Somewhere past the first few hundred sessions, wherever that is.
        if (out.length > 20_000) child.kill("SIGKILL");
      });
      child.on("exit", () => resolve());
    });
    const acknowledged = out.split("\n").slice(1, -1);
    expect(acknowledged.length).toBeGreaterThan(100);
    const stored = new Set(
      (await query<{ id: string }>(path, "SELECT id FROM sessions WHERE score IS NOT NULL")).map(
        ({ id }) => id,
      ),
    );
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect(await query(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect((await agent(path, 20, "plain")).last.acknowledged).toBe(20);
  });

  it("eight of them making a unit's first assignment agree, though they know different shares", async () => {
    const path = temporaryDatabase();
    const engine = await createEngine({ url: path, strict: true });
    const bot = await engine.project("support", { champion: { prompt: "long" } });
    await bot.challenge({ prompt: "short" }, { share: 0.05, policy: { futility: null } });
    const early = await Promise.all([1, 2, 3, 4].map(() => waiting(path, 2 ** 31 - 1)));
    await bot.revise({ share: 0.95, reason: "so that what the processes know differs" });
    const late = await Promise.all([1, 2, 3, 4].map(() => waiting(path, 2 ** 31 - 1)));
    const units = Array.from({ length: 400 }, (_, index) => `user-${index}`);
    const arms = (await Promise.all([...early, ...late].map(({ ask }) => ask({ units })))) as string[][];
    for (const each of arms) expect(each).toEqual(arms[0]);
    const stored = await query<{ arm: string }>(
      path,
      "SELECT arms.role || ' ' || (configs.body ->> 'prompt') AS arm FROM units JOIN arms ON arms.id = units.arm_id JOIN configs ON configs.id = arms.config_id ORDER BY CAST(substr(unit, 6) AS INTEGER)",
    );
    expect(stored.map(({ arm }) => arm)).toEqual(arms[0]);
    // A process may win all of them; of so many, some are then placed otherwise than by most of its share.
    expect(new Set(arms[0])).toEqual(new Set(["champion long", "challenger short"]));
    await engine.close();
  }, 60_000);

  it("a promoted config reaches the others at their next look, and every session after", async () => {
    const path = temporaryDatabase();
    const engine = await createEngine({ url: path, strict: true });
    const bot = await engine.project("support", { champion: { prompt: "long" } });
    // At share 0 nobody gets it before it is promoted.
    await bot.challenge({ prompt: "short" }, { share: 0 });
    const others = await Promise.all([waiting(path, 200), waiting(path, 200)]);
    await bot.promote({ reason: "to see it arrive" });
    expect(await Promise.all(others.map(({ ask }) => ask({ until: "short" })))).toEqual([
      { prompt: "short", experiment: null },
      { prompt: "short", experiment: null },
    ]);
    await engine.close();
  }, 60_000);
});

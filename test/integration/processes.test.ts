import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@libsql/client";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { temporaryDatabase } from "../support/temporary.js";

const AGENT = fileURLToPath(new URL("../support/agent-process.mjs", import.meta.url));
const run = promisify(execFile);

/** What an agent's process printed: its first and its last line. */
async function agent(url: string, count: number, mode: string) {
  const { stdout } = await run(process.execPath, [AGENT, url, String(count), mode]);
  const lines = stdout.trim().split("\n");
  return { first: JSON.parse(lines[0]!), last: JSON.parse(lines.at(-1)!) };
}

async function query<T>(path: string, sql: string): Promise<T[]> {
  const client = createClient({ url: `file:${path}`, timeout: 5000 });
  try {
    return (await client.execute(sql)).rows as unknown as T[];
  } finally {
    client.close();
  }
}

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
    const child = spawn(process.execPath, [AGENT, path, "100000", "killed"]);
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
});

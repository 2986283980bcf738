import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { spoolingEngine, spoolsOf } from "../support/spooling.js";
import { temporaryDatabase } from "../support/temporary.js";

const AGENT = fileURLToPath(new URL("../support/reading-process.mjs", import.meta.url));

/** Root may write to anything unless this is taken from it. */
const AS_OTHERS =
  process.getuid?.() === 0
    ? ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
    : [];

/** What an agent's process is served and told. */
function agentOn(path: string) {
  const [command = process.execPath, ...args] = [...AS_OTHERS, process.execPath, AGENT, path];
  return JSON.parse(execFileSync(command, args, { encoding: "utf8", timeout: 30_000 }));
}

/** A database whose champion is another than the code's. */
async function database(): Promise<string> {
  const path = temporaryDatabase();
  const engine = await createEngine({ url: path, strict: true });
  await engine.project("support", { champion: { prompt: "stored" } });
  await engine.close();
  return path;
}

describe("an agent that may not write", () => {
  it("to the database: is served the champion, and what it records waits beside it and is stored once", async () => {
    const path = await database();
    chmodSync(path, 0o444);
    const told = agentOn(path);
    expect(told).toMatchObject({ prompt: "stored", ended: "spooled", spool: { rows: 2, lost: 0 } });
    expect(told.health).toMatchObject({ status: "degraded", sessionsDropped: 0 });
    expect(told.warnings).toHaveLength(1);
    chmodSync(path, 0o644);
    const { engine, recover } = await spoolingEngine(path);
    await recover();
    expect(await engine.signal(told.id, { name: "late", value: 1 })).toEqual({ status: "late" });
    expect(spoolsOf(path)).toEqual([]);
    await engine.close();
  });

  it("to the folder either: is served the last known champion, and nothing is acknowledged", async () => {
    const path = await database();
    for (const name of readdirSync(dirname(path))) chmodSync(join(dirname(path), name), 0o444);
    chmodSync(dirname(path), 0o555);
    const told = agentOn(path);
    chmodSync(dirname(path), 0o755);
    expect(told).toMatchObject({ prompt: "stored", ended: "storage_unavailable" });
    expect(told.health).toMatchObject({ status: "degraded", sessionsDropped: 1 });
    expect(told.warnings).not.toEqual([]);
    expect(spoolsOf(path)).toEqual([]);
  });
});

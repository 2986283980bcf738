import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { nodeProcess } from "../support/processes.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const PROCESS = fileURLToPath(new URL("../support/ending-process.mjs", import.meta.url));

/** Sessions of the process, the one whose score takes its time included. */
const ALL = 501;

/** Runs a process that leaves its engine open; how it ended, and what it left behind. */
async function ended(ending: string, ...closeOn: string[]) {
  const path = temporaryDatabase();
  const child = nodeProcess(PROCESS, `file:${path}`, ending, ...closeOn);
  const [[code, signal], output, errors] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
  ]);
  const [stored] = await query<{ n: number }>(
    path,
    "SELECT count(*) AS n FROM sessions WHERE settled_at_ms IS NOT NULL",
  );
  return { code, signal, output, errors, stored: stored?.n };
}

describe("a process that leaves its engines open", () => {
  it("closes them all when nothing is left to do", async () => {
    expect(await ended("by itself", "SIGTERM")).toEqual({
      ...{ code: 0, signal: null, output: "engine_closed", errors: "" },
      stored: ALL,
    });
  });

  it("ends at a signal like every process", async () => {
    const end = await ended("by a signal");
    expect(end).toMatchObject({ code: null, signal: "SIGTERM" });
    expect(end.stored).toBeLessThan(ALL);
  });

  it("stores everything at a signal it is to close on, and then ends like every process", async () => {
    const end = await ended("by a signal", "SIGINT", "SIGTERM");
    expect(end).toMatchObject({ code: null, signal: "SIGTERM", stored: ALL, errors: "" });
  });

  it("leaves it to the host's own handler when it ends", async () => {
    const end = await ended("with a handler of its own", "SIGTERM");
    expect(end).toMatchObject({ code: 7, signal: null, stored: ALL });
  });

  it("ends at once at a second signal", async () => {
    const start = performance.now();
    const end = await ended("by two signals", "SIGTERM");
    expect(end).toMatchObject({ code: null, signal: "SIGTERM", output: "closing\n" });
    expect(performance.now() - start).toBeLessThan(9000);
  });
});

describe("closeOn", () => {
  it.each([["SIGTERM"], [["SIGKILL"]], [[1]]])("refuses %j, and says what it takes", async (closeOn) => {
    const opened = createEngine({ url: ":memory:", closeOn: closeOn as never });
    await expect(opened).rejects.toMatchObject({ code: "settings_invalid", details: { field: "closeOn" } });
    await expect(opened).rejects.toThrow(/SIGTERM, SIGINT, SIGHUP/);
  });

  it("leaves no listener behind once the engine is closed", async () => {
    const count = () => process.listenerCount("SIGHUP") + process.listenerCount("beforeExit");
    const before = count();
    const engines = [1, 2].map(() => createEngine({ url: ":memory:", closeOn: ["SIGHUP"] }));
    expect(count()).toBe(before);
    const [left, right] = (await Promise.all(engines)) as [
      Awaited<(typeof engines)[0]>,
      Awaited<(typeof engines)[0]>,
    ];
    expect(count()).toBe(before + 2);
    await left.close();
    expect(count()).toBe(before + 2);
    await right.close();
    await right.close();
    expect(count()).toBe(before);
  });
});

import { describe, expect, it } from "vitest";
import { simulateInParallel } from "../../../src/cli/parallel.js";
import { createSimulation, simulateRuns } from "../../../src/core/simulation/simulate.js";
import { summarise } from "../../../src/core/simulation/simulation-summary.js";

// Planned for long, soon decided.
const JOBS = [0.6, 0.7].map((effect) => ({
  simulation: createSimulation({ baseRate: 0.2, effect, share: 0.5 }),
  runs: 130,
}));
const EXPECTED = JOBS.map(({ simulation, runs }) =>
  summarise(simulation, [simulateRuns(simulation, 0, runs)]),
);

describe("simulateInParallel", () => {
  it.each([0, 1, 3])("gives the same with %d worker threads as in one piece", async (workers) => {
    expect(await simulateInParallel(JOBS, { workers })).toEqual(EXPECTED);
  });

  it("says how far it is, to the end", async () => {
    const told: number[] = [];
    await simulateInParallel(JOBS, { onProgress: (done, total) => told.push(done / total) });
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
  });

  it.each([
    "no-such-file.js",
    "http://localhost/no-file.js",
    "data:text/javascript,throw new Error('broken')",
    "data:text/javascript,",
  ])("does the work itself where workers do not: %s", async (file) => {
    const workerUrl = new URL(file, import.meta.url);
    expect(await simulateInParallel(JOBS, { workers: 2, workerUrl })).toEqual(EXPECTED);
  });

  it.each([0, 2])("stops when told to, with %d worker threads", async (workers) => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error("enough"));
    const jobs = JOBS.map(({ simulation }) => ({ simulation, runs: 100_000 }));
    const options = { workers, onProgress, signal: controller.signal };
    await expect(simulateInParallel(jobs, options)).rejects.toThrow("enough");
  });
});

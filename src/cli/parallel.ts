/**
 * Simulations over all processors: runs are divided into shards, which worker threads take one by one.
 *
 * Runs do not depend on how they are divided, so neither does the result. A worker that cannot start, or breaks, leaves
 * its shard to the others, and what is left over is made by the main thread.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type SimulatedRuns, type Simulation, simulateRuns } from "../core/simulation/simulate.js";
import { type SimulationSummary, summarise } from "../core/simulation/simulation-summary.js";
import { breathe } from "../engine/breathe.js";
import type { SimulationJob } from "../engine/simulations.js";

// `src/cli` and `dist/cli` lie at the same depth, so this finds the built file from either.
const WORKER_URL = new URL("../../dist/cli/simulation-worker.js", import.meta.url);

/** Some runs of a job. */
export interface Shard {
  /** index of the job */
  readonly job: number;
  readonly simulation: Simulation;
  readonly from: number;
  readonly to: number;
}

/** How simulations are run. */
export interface ParallelOptions {
  /** worker threads; 0 for the main thread alone. Default: as many as there are processors */
  readonly workers?: number;
  /** called with the part of the work that is done, in [0, 1], and the runs of all jobs */
  readonly onProgress?: (done: number, total: number) => void;
  /** rejects with its reason once it is aborted */
  readonly signal?: AbortSignal;
  /** the worker's file; for tests */
  readonly workerUrl?: URL;
}

/** Sessions up to which threads would cost more than they save: about a quarter of a second. */
const SMALL = 250_000;

/** Sessions of a shard, at most: a progress bar moves, and a cancellation is heard, a few times a second. */
const SHARD_SESSIONS = 200_000;

function shardsOf(jobs: readonly SimulationJob[]): Shard[] {
  return jobs.flatMap(({ simulation, runs }, job) => {
    const size = Math.max(1, Math.floor(SHARD_SESSIONS / simulation.policy.horizon));
    return Array.from({ length: Math.ceil(runs / size) }, (_, k) => ({
      job,
      simulation,
      from: k * size,
      to: Math.min(runs, (k + 1) * size),
    }));
  });
}

/** A worker, or null where there can be none. */
function startWorker(url: URL): Worker | null {
  try {
    // One that breaks before it has anything to do says so by an event nobody may be waiting for.
    return new Worker(url).on("error", () => undefined);
  } catch {
    return null;
  }
}

/** One shard made by a worker. Rejects if the worker breaks. */
function made(worker: Worker, shard: Shard): Promise<SimulatedRuns> {
  return new Promise((resolve, reject) => {
    const broke = (): void => reject(new Error("The worker broke."));
    const settle = (runs: SimulatedRuns): void => {
      worker.off("error", broke).off("exit", broke);
      resolve(runs);
    };
    worker.once("message", settle).once("error", broke).once("exit", broke);
    worker.postMessage(shard);
  });
}

/**
 * Runs simulations and sums each of them up.
 *
 * @returns the summaries, in the order of the jobs; the same with any number of workers
 */
export async function simulateInParallel(
  jobs: readonly SimulationJob[],
  options: ParallelOptions = {},
): Promise<SimulationSummary[]> {
  const { workers = availableParallelism(), onProgress, signal, workerUrl = WORKER_URL } = options;
  const left = shardsOf(jobs);
  const parts = jobs.map((): SimulatedRuns[] => []);
  const total = jobs.reduce((sum, { runs }) => sum + runs, 0);
  let done = 0;
  const take = (shard: Shard, runs: SimulatedRuns): void => {
    (parts[shard.job] as SimulatedRuns[]).push(runs);
    done += shard.to - shard.from;
    onProgress?.(done, total);
  };
  const work = async (): Promise<void> => {
    const worker = startWorker(workerUrl);
    if (worker === null) return;
    const stop = (): void => void worker.terminate();
    signal?.addEventListener("abort", stop);
    try {
      for (let shard = left.shift(); shard !== undefined; shard = left.shift()) {
        const runs = await made(worker, shard).catch(() => null);
        if (runs === null) return void left.unshift(shard);
        take(shard, runs);
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      await worker.terminate();
    }
  };
  const sessions = jobs.reduce((sum, { simulation, runs }) => sum + runs * simulation.policy.horizon, 0);
  const count = sessions <= SMALL ? 0 : Math.min(workers, left.length);
  await Promise.all(Array.from({ length: count }, work));
  for (let shard = left.shift(); shard !== undefined; shard = left.shift()) {
    signal?.throwIfAborted();
    take(shard, simulateRuns(shard.simulation, shard.from, shard.to));
    // Lets signals and the terminal have their turn.
    await breathe();
  }
  signal?.throwIfAborted();
  return jobs.map(({ simulation }, job) => summarise(simulation, parts[job] as SimulatedRuns[]));
}

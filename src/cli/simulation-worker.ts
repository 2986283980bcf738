/**
 * A worker thread of {@link simulateInParallel}: makes one shard of runs after the other.
 */
import { parentPort } from "node:worker_threads";
import { simulateRuns } from "../core/simulation/simulate.js";
import type { Shard } from "./parallel.js";

parentPort?.on("message", ({ simulation, from, to }: Shard) => {
  parentPort?.postMessage(simulateRuns(simulation, from, to));
});

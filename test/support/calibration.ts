/**
 * Many simulated experiments, for tests of rates. `CALIBRATION=full` runs the full form and prints its tables.
 */
import { simulateInParallel } from "../../src/cli/parallel.js";
import { createSimulation, type SimulationInput } from "../../src/core/simulation/simulate.js";
import type { SimulationSummary } from "../../src/core/simulation/simulation-summary.js";

/** Whether the full form runs: longer experiments, and many more of them. */
export const isFull = process.env.CALIBRATION === "full";

/** The seed of all calibration, named in every failure by the titles. */
export const SEED = 20_261_121;

/** Runs one kind of experiment through the real fold and decision. */
export async function simulated(input: SimulationInput, runs: number): Promise<SimulationSummary> {
  const simulation = createSimulation({ seed: SEED, ...input });
  const [summary] = await simulateInParallel([{ simulation, runs }]);
  return summary as SimulationSummary;
}

/** Prints a table in Markdown, in the full form: the documents are made from it. */
export function printTable(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  if (!isFull) return;
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const text = [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
  process.stdout.write(`\n### ${title}\n\n${text}\n`);
}

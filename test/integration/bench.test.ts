import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the benchmark runs to its end, on the built package", () => {
  const script = fileURLToPath(new URL("../../bench/run.mjs", import.meta.url));
  const output = execFileSync(process.execPath, [script], {
    env: { ...process.env, BENCH: "short" },
    encoding: "utf8",
  });
  for (const part of [
    "assignment",
    "bulk ingest",
    "Monte Carlo draws",
    "tick, nothing new",
    "longest block of the loop during report",
    "wrapped no-op",
    "POST signals, in the order their sessions began",
    "POST signals, of any session",
    "simulate one experiment",
    "report, 1k sessions",
  ])
    expect(output).toContain(part);
});

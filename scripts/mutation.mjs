// Mutation testing of the core, a file at a time: with the mutants of one file in it the numeric code is several times
// as fast as with those of all, and the tests named after the file, which kill most of them, go first.
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";

const SCORE_MIN = 85;
const KILLED = ["Killed", "Timeout"];
const SURVIVED = ["Survived", "NoCoverage"];

const all = readdirSync("src/core", { recursive: true })
  .filter((name) => name.endsWith(".ts") && name !== "index.ts")
  .map((name) => `src/core/${name}`);
// A part of it: npm run mutation -- --mutate src/core/numeric/beta.ts,src/core/random.ts --concurrency 1
const { values } = parseArgs({ options: { mutate: { type: "string" }, concurrency: { type: "string" } } });
const files = values.mutate?.split(",") ?? all;
const concurrency = Number(values.concurrency ?? 2);

const rows = [];
for (const file of files) {
  const name = basename(file, ".ts");
  const start = performance.now();
  process.env.MUTATED = name;
  const mutants = await new Stryker({
    mutate: [file],
    concurrency,
    htmlReporter: { fileName: `reports/mutation/${name}.html` },
  }).runMutationTest();
  const countOf = (statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const seconds = Math.round((performance.now() - start) / 1000);
  rows.push({ name, killed: countOf(KILLED), survived: countOf(SURVIVED), seconds });
}

const sumOf = (key) => rows.reduce((sum, row) => sum + row[key], 0);
const total = {
  name: "in all",
  killed: sumOf("killed"),
  survived: sumOf("survived"),
  seconds: sumOf("seconds"),
};
const scoreOf = ({ killed, survived }) => (100 * killed) / Math.max(killed + survived, 1);
console.table([...rows, total].map((row) => ({ ...row, score: `${scoreOf(row).toFixed(1)} %` })));
if (scoreOf(total) < SCORE_MIN) {
  console.error(`The score is below ${SCORE_MIN} %.`);
  process.exitCode = 1;
}

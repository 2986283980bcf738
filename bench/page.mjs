// docs/PERFORMANCE.md, out of one run's results.

const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3).replace(/\.?0+$/, "");

const MORE = `## What a peer does in a call that dethrone does not

- **Bare hash loop**: less than anybody. ASCII only, no snapshot, nothing checked, nothing recorded.
- **GrowthBook** (\`runInlineExperiment\`): evaluates targeting conditions, namespaces and forced variations, and builds a result
  object that is told to a tracking callback.
- **Unleash** (\`isEnabled\`): walks a flag's strategies with their constraints and segments, and counts the call for metrics
  (sending them is off here).
- **LaunchDarkly** (\`variation\`, file source): prerequisites, targets, rules and segments; hooks; an evaluation reason; events
  (sending them is off here). It is asynchronous.
- **OpenFeature** (\`InMemoryProvider\`): context merging, hooks before and after, error mapping; asynchronous. It has no hash of
  its own: the row measures the call, with a split that costs nothing.
- **better-sqlite3**: runs on the caller's thread, binds row by row, checks none of the rules about repeated and late writes
  beyond one \`WHERE\`, and acknowledges a batch at once. The writer of dethrone hands each row to another thread, keeps each
  caller's promise, and finds out which single row was at fault when a batch fails.
- **client.batch**: prepares each statement again at every call.

The row \`assignment\` is the arithmetic of \`project.session()\` without a unit: forced role, override, holdout, audience, hash,
arm. \`session()\` in full also makes an id, a session object and a start record, and queues the record for the file.
`;

function rowsOf(rows) {
  const lines = rows.map(({ name, opsPerSecond, reference, ratio, target, isMet }) => {
    const verdict = target === undefined ? "" : `${number(target)}: ${isMet ? "met" : "**missed**"}`;
    return `| ${name} | ${number(opsPerSecond)} | ${number(ratio)} | ${reference} | ${verdict} |`;
  });
  return [
    "| what | a second | times as fast as | the reference | target |",
    "| --- | ---: | ---: | --- | --- |",
    ...lines,
  ].join("\n");
}

const growthOf = (growth) =>
  growth.map(
    ({ sessions, bytesPerSession, megabytes }) =>
      `| ${sessions.toLocaleString("en")} | ${bytesPerSession} | ${megabytes} |`,
  );

/** The page. `results` are those of bench/results.json. */
export function pageOf({ machine, versions, load, sections, growth, skipped }) {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Performance

Written by \`npm run bench\`; not edited by hand. One run on ${machine.cpu}, ${machine.cores} cores, ${machine.gigabytes} GB
of memory, ${load}. ${names.join(", ")}.

Only the ratios mean something elsewhere, and only within this run: contenders take turns, and a ratio is the median over the
turns. A ratio above 1 is faster than the reference; of a limit in time it says how many times the work fits. Peers come with
\`npm --prefix bench ci\`; without them their rows are left out.
${skipped.length > 0 ? `\nLeft out: ${skipped.join("; ")}.\n` : ""}
${sections.map(({ title, rows }) => `## ${title}\n\n${rowsOf(rows)}\n`).join("\n")}
| sessions in the file | bytes a session | memory, MB |
| ---: | ---: | ---: |
${growthOf(growth).join("\n")}

A history of any length is a history of experiments that have ended. What is not flat, by design: the first look that a process
takes at an experiment reads all of its units, a few milliseconds at a time; to look again costs what is new.

${MORE}`;
}

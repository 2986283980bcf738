import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { cli } from "../support/cli.js";
import { temporaryFolder } from "../support/temporary.js";

/** Lines of sessions: so many of each agent, succeeding at its rate. */
function log(agents: Record<string, [count: number, rate: number]>, seed = 9): string {
  const random = createRandom(seed);
  const lines = Object.entries(agents).flatMap(([agent, [count, rate]]) =>
    Array.from({ length: count }, (_, index) =>
      JSON.stringify({
        agent,
        meta: { index },
        ok: random.next() < rate,
        at: 1_700_000_000_000 + index * 1000,
        grade: Math.round(random.next() * 8) / 8,
        usage: { cost: (agent === "b" ? 0.5 : 1) * (0.5 + ((index * 7919) % 100) / 100) },
        late: index % 3 === 0,
        error: "none",
        ...(index % 2 === 0 && { tools: index % 7 }),
      }),
    ),
  );
  return `${lines.join("\n")}\n`;
}

function file(content: string): string {
  const path = join(temporaryFolder(), "log.jsonl");
  writeFileSync(path, content);
  return path;
}

interface Measured extends Result {
  policy: object;
  evaluation: Result["evaluation"] & {
    metrics: Record<string, { champion?: { sessionCount: number }; challenger?: { mean: number } }>;
    guardrails: { metric: string; mode: string; margin: number }[];
  };
}

interface Result {
  verdict: string;
  reason: string;
  sessionCount: number;
  horizon: number;
  share: number;
  arms: { role: string; sessionCount: number; scoreSum: number; missingCount: number }[];
  evaluation: { logEPromote: number; probabilityBetter: number };
  warnings: string[];
}

const backtest = (path: string, ...flags: string[]) =>
  cli(
    "backtest",
    path,
    "--champion",
    "agent=a",
    "--challenger",
    "agent=b",
    "--score",
    "ok",
    "--json",
    ...flags,
  );

describe("backtest", () => {
  it("promotes the better, aborts or holds the worse, and prints the same bytes twice", async () => {
    const path = file(log({ a: [400, 0.4], b: [400, 0.7], c: [50, 0.5] }));
    const first = await backtest(path, "--seed", "4");
    const result = first.json<Result>();
    expect(result).toMatchObject({
      verdict: "promote",
      reason: "evidence",
      horizon: 800,
      share: 0.5,
      seed: 4,
      order: "shuffle",
    });
    expect((await backtest(path, "--seed", "4")).out).toBe(first.out);
    expect((await backtest(path, "--seed", "5")).out).not.toBe(first.out);
    const swapped = await cli(
      "backtest",
      path,
      "--champion",
      "agent=b",
      "--challenger",
      "agent=a",
      "--score",
      "ok",
      "--json",
    );
    expect(["abort", "hold"]).toContain(swapped.json<Result>().verdict);
  });

  it("traces each folded session, ending in the document's numbers", async () => {
    const path = file(log({ a: [300, 0.4], b: [300, 0.6] }));
    const { out } = await backtest(path, "--trace", "--share", "0.3");
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const result = lines.pop() as Result;
    expect(lines).toHaveLength(result.sessionCount);
    expect(lines.map((line) => line.index)).toEqual(lines.map((_, index) => index + 1));
    const last = lines.at(-1);
    expect(last.logEPromote).toBe(result.evaluation.logEPromote);
    expect(last.probabilityBetter).toBe(result.evaluation.probabilityBetter);
    expect(last.share).toBe(0.3);
    for (const arm of result.arms) {
      const own = lines.filter((line) => line.arm === arm.role);
      expect(own).toHaveLength(arm.sessionCount);
      expect(own.reduce((sum, line) => sum + line.score, 0)).toBe(arm.scoreSum);
    }
  });

  it("takes graded scores as they are", async () => {
    const path = file(log({ a: [100, 0.5], b: [100, 0.5] }));
    const { out } = await cli(
      "backtest",
      path,
      "--champion",
      "agent=a",
      "--challenger",
      "agent=b",
      "--score",
      "grade",
      "--json",
    );
    const result = JSON.parse(out) as Result & { evaluation: { phi: number } };
    expect(result.evaluation.phi).toBeGreaterThan(1);
  });

  it("ends with the data: continue, exit 0, and says so", async () => {
    const path = file(log({ a: [30, 0.5], b: [30, 0.5] }));
    const run = await backtest(path, "--horizon", "5000");
    expect(run.code).toBe(0);
    expect(run.json()).toMatchObject({
      verdict: "continue",
      reason: "data-exhausted",
      decision: null,
      horizon: 5000,
    });
  });

  it("splits identical selectors in two halves", async () => {
    const path = file(log({ a: [201, 0.5] }));
    const { json } = await cli(
      "backtest",
      path,
      "--champion",
      "agent=a",
      "--challenger",
      "agent=a",
      "--score",
      "ok",
      "--json",
    );
    expect(json()).toMatchObject({ horizon: 200 });
  });

  it("leaves sessions without a score out, wherever they stand", async () => {
    const lines = log({ a: [200, 0.4], b: [200, 0.7] })
      .split("\n")
      .map((line, index) => (index % 9 === 0 ? line.replace(/"ok":(true|false)/, '"ok":null') : line));
    const result = (await backtest(file(lines.join("\n")), "--trace")).out.trim().split("\n");
    const document = JSON.parse(result.pop() as string) as Result;
    expect(result).toHaveLength(document.sessionCount);
    expect(document.arms.reduce((sum, arm) => sum + arm.missingCount, 0)).toBeGreaterThan(0);
  });

  it("warns of the order of the log", async () => {
    const path = file(log({ a: [100, 0.4], b: [100, 0.7] }));
    expect((await backtest(path, "--order", "file")).json<Result>().warnings).toHaveLength(1);
    expect(
      (await backtest(path, "--order", "time", "--time-field", "at")).json<Result>().warnings,
    ).toHaveLength(1);
    expect((await backtest(path)).json<Result>().warnings).toEqual([]);
  });

  it("finds nested fields, and keeps its experiment in a database if asked", async () => {
    const path = file(log({ a: [100, 0.4], b: [100, 0.9] }));
    const db = join(temporaryFolder(), "kept.db");
    expect((await backtest(path, "--db", db)).json()).toMatchObject({ verdict: "promote" });
    expect((await cli("verify", "--db", db, "--json")).json()).toMatchObject({ count: 1, different: 0 });
    expect((await cli("report", "backtest", "--db", db)).out).toContain("PROMOTE");
    expect(await backtest(path, "--db", db)).toMatchObject({ code: 4 });
    const nested = await cli(
      "backtest",
      path,
      "--champion",
      "meta.index=1",
      "--challenger",
      "meta.index=2",
      "--score",
      "ok",
      "--json",
    );
    expect(nested.code).toBe(0);
  });

  it("shows people the verdict, the arms, and what the plain rule costs", async () => {
    const path = file(log({ a: [300, 0.4], b: [300, 0.7] }));
    const { out } = await cli(
      "backtest",
      path,
      "--champion",
      "agent=a",
      "--challenger",
      "agent=b",
      "--score",
      "ok",
      "--policy",
      "threshold",
    );
    expect(out).toContain("PROMOTE");
    expect(out).toContain("no guaranteed error rate");
    expect(out).toMatch(/promotes\s+an\s+identical\s+challenger\s+in\s+about\s+\d+\s%\s+of\s+experiments/);
  });

  it("carries metrics and guardrails, without a change of the arms that are drawn", async () => {
    const path = file(log({ a: [300, 0.6], b: [300, 0.6] }));
    const plain = (await backtest(path)).json<Result>();
    const flags = [
      ...["--metric", "usage.cost:lower", "--metric", "late:lower:binary", "--metric", "tools:lower:count"],
      ...["--guardrail", "usage.cost:-0.1:require", "--guardrail", "late:0.3", "--min-uplift", "-0.2"],
    ];
    const first = await backtest(path, ...flags);
    const result = first.json<Measured>();
    const { metrics, guardrails } = result.evaluation;
    expect(Object.keys(metrics)).toEqual(["late", "tools", "usage.cost"]);
    expect(metrics["usage.cost"]).toMatchObject({ kind: "positive", direction: "lower" });
    expect(metrics.late).toMatchObject({ kind: "binary" });
    const [champion] = result.arms;
    expect(metrics["usage.cost"]?.champion?.sessionCount).toBe(champion?.sessionCount);
    expect(metrics.tools?.champion?.sessionCount).toBeLessThan(champion?.sessionCount as number);
    const ratio = metrics["usage.cost"]?.challenger?.mean as number;
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(0.6);
    expect(guardrails.map(({ metric, mode, margin }) => [metric, mode, margin])).toEqual([
      ["usage.cost", "require", -0.1],
      ["late", "abort", 0.3],
    ]);
    expect(result).toMatchObject({ verdict: "promote", policy: { minUplift: -0.2 } });
    expect(guardrails[0]).toMatchObject({ isCrossed: true });
    expect((await backtest(path, ...flags)).out).toBe(first.out);
    // The same sessions in the same arms, as far as both went.
    const trace = async (...more: string[]) =>
      (await backtest(path, "--trace", ...more)).out
        .split("\n")
        .slice(0, Math.min(plain.sessionCount, result.sessionCount))
        .map((line) => {
          const { arm, score } = JSON.parse(line);
          return { arm, score };
        });
    expect(await trace(...flags)).toEqual(await trace());
  });

  it("aborts where a guardrail is crossed, and takes both from a policy too", async () => {
    const path = file(log({ a: [300, 0.6], b: [300, 0.6] }));
    const flags = ["--champion", "agent=b", "--challenger", "agent=a"];
    const aborted = await backtest(
      path,
      ...flags,
      "--metric",
      "usage.cost:lower",
      "--guardrail",
      "usage.cost",
    );
    expect(aborted.json()).toMatchObject({ verdict: "abort", reason: "guardrail" });
    const policy = { metrics: { "usage.cost": {} }, guardrails: [{ metric: "usage.cost", margin: 0.1 }] };
    const same = await backtest(path, ...flags, "--policy", JSON.stringify(policy));
    expect(same.json()).toMatchObject({ verdict: "abort", reason: "guardrail" });
  });

  it("looks at no field that nobody names", async () => {
    const result = (await backtest(file(log({ a: [100, 0.5], b: [100, 0.5] })))).json<Measured>();
    expect(result.evaluation.metrics).toEqual({});
    expect(result.policy).toMatchObject({ fuse: null });
  });

  it("shows people metrics and guardrails", async () => {
    const { out } = await cli(
      ...["backtest", file(log({ a: [300, 0.6], b: [300, 0.6] })), "--score", "ok", "--policy", "strict"],
      ...["--champion", "agent=a", "--challenger", "agent=b", "--metric", "usage.cost:lower"],
      ...["--guardrail", "usage.cost:0.1", "--metric", "tools:higher:count"],
    );
    expect(out).toMatch(/usage\.cost +champion/);
    expect(out).toMatch(/higher is better +challenger/);
    expect(out).toMatch(/usage\.cost +10 % worse +aborts .* ok/);
    expect(out).toMatch(/per success +champion/);
    expect(out).toMatch(
      /Sessions with a value: tools in \d+ of \d+ \(champion\) and \d+ of \d+ \(challenger\)/,
    );
    expect(out).toContain("of 50.0x");
  });

  const good = log({ a: [20, 0.5], b: [20, 0.5] });
  it.each<[string, string, string[], string, RegExp]>([
    ["a malformed line", `${good}{"agent": "a", ok: true}\n`, [], "input_invalid", /Line 41 is not JSON/],
    ["a line that is no object", `[1]\n${good}`, [], "input_invalid", /Line 1 is not a JSON object/],
    ["a score of 1.5", `${good}{"agent":"b","ok":1.5}`, [], "score_out_of_range", /Line 41.*received 1\.5/],
    ["a score that is a text", `${good}{"agent":"b","ok":"NaN"}`, [], "score_out_of_range", /Line 41/],
    ["NaN in the file", `${good}{"agent":"b","ok":NaN}`, [], "input_invalid", /Line 41 is not JSON/],
    [
      "a selector that matches nothing",
      good,
      ["--challenger", "agent=z"],
      "input_invalid",
      /matches no line: 'agent' has the values a, b/,
    ],
    [
      "a selector of an unknown field",
      good,
      ["--challenger", "robot=a"],
      "input_invalid",
      /no line has the field 'robot'/,
    ],
    ["an empty selector", good, ["--challenger", ""], "input_invalid", /must read 'field=value/],
    [
      "overlapping selectors",
      good,
      ["--challenger", "agent=a,meta.index=3"],
      "input_invalid",
      /overlap.*line 4/,
    ],
    [
      "a score field nobody has",
      good,
      ["--score", "resolvd"],
      "input_invalid",
      /No line of the champion has a score in the field 'resolvd'/,
    ],
    [
      "time without timestamps",
      good,
      ["--order", "time"],
      "input_invalid",
      /Line 1 has no time in 'started_at'/,
    ],
    ["an unknown order", good, ["--order", "random"], "usage_invalid", /shuffle, file, time/],
    ["a seed that is none", good, ["--seed", "1.5"], "numeric_domain", /seed must be/],
    ["share 1", good, ["--share", "1"], "share_out_of_range", /received 1/],
    ["share 0.005", good, ["--share", "0.005"], "share_out_of_range", /received 0.005/],
    ["share 0", good, ["--share", "0"], "share_out_of_range", /received 0/],
    ["a share in words", good, ["--share", "half"], "share_out_of_range", /received 'half'/],
    ["a share that moves", good, ["--share", "ramp"], "share_out_of_range", /one share.*received 'ramp'/],
    ["a horizon that is none", good, ["--horizon", "0"], "policy_invalid", /horizon/],
    [
      "a metric that is a text",
      good,
      ["--metric", "error:lower"],
      "input_invalid",
      /Line 1: 'error' must be/,
    ],
    [
      "a rate above 1",
      good,
      ["--metric", "tools:lower:binary"],
      "input_invalid",
      /Line 3: 'tools' must be a boolean or a number in \[0, 1\]; received 2/,
    ],
    [
      "a count that is none",
      good,
      ["--metric", "grade:lower:count"],
      "input_invalid",
      /'grade' must be a whole number/,
    ],
    [
      "a metric nobody has",
      good,
      ["--metric", "cost:lower"],
      "input_invalid",
      /No line of either arm.*'cost'/,
    ],
    ["a metric without direction", good, ["--metric", "tools"], "usage_invalid", /NAME:lower or NAME:higher/],
    ["a metric named twice", good, ["--metric", "a:lower", "--metric", "a:higher"], "usage_invalid", /once/],
    ["the score as a metric", good, ["--metric", "score:higher"], "usage_invalid", /'score'/],
    ["an undeclared guardrail", good, ["--guardrail", "tools:0.1"], "usage_invalid", /declared by --metric/],
    [
      "a bad mode of a guardrail",
      good,
      ["--metric", "tools:lower", "--guardrail", "tools:0.1:warn"],
      "usage_invalid",
      /known: tools/,
    ],
    [
      "a negative margin of a guardrail that aborts",
      good,
      ["--metric", "tools:lower", "--guardrail", "tools:-0.1"],
      "policy_invalid",
      /guardrails\[0\]\.margin/,
    ],
    ["a bad uplift", good, ["--min-uplift", "some"], "policy_invalid", /minUplift/],
    ["an empty file", "", [], "input_invalid", /matches no line/],
  ])("refuses %s", async (_title, content, flags, code, message) => {
    const run = await backtest(file(content), ...flags);
    expect(run.code).toBe(2);
    const { error } = run.json<{ error: { code: string; message: string } }>();
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("refuses a file that is not there", async () => {
    expect((await backtest("/nowhere/log.jsonl")).json()).toMatchObject({ error: { code: "input_invalid" } });
  });
});

/**
 * `backtest FILE`: what the engine would have decided on recorded sessions.
 */
import { DethroneError } from "../../core/errors.js";
import type { Explained } from "../../core/explain.js";
import { createRandom } from "../../core/random.js";
import { type BacktestResult, runBacktest, traceBacktest } from "../../engine/backtest.js";
import { seededIds } from "../../engine/environment.js";
import { type RecordedOrder, selectRecorded } from "../../engine/recorded.js";
import { createTestClock } from "../../testing.js";
import { withEngine } from "../open.js";
import { plural } from "../render.js";
import { numberFrom, readText } from "../settings.js";
import { armsTable, decidingNumbers, sentences, verdictText } from "../views.js";
import { type CommandContext, policyFrom } from "./projects.js";

/** Flags of `backtest`. */
export interface BacktestFlags {
  readonly champion: string;
  readonly challenger: string;
  readonly score: string;
  readonly share: string;
  readonly horizon?: string;
  readonly order: string;
  readonly seed: string;
  readonly policy?: string;
  readonly timeField: string;
  readonly trace?: boolean;
  readonly project: string;
}

const ORDERS: readonly string[] = ["shuffle", "file", "time"] satisfies RecordedOrder[];

/** The virtual clock starts here, so that the same command prints the same bytes. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

function orderOf(text: string): RecordedOrder {
  if (ORDERS.includes(text)) return text as RecordedOrder;
  throw new DethroneError("usage_invalid", `--order takes ${ORDERS.join(", ")}; received '${text}'.`, {
    received: text,
  });
}

/** Runs the backtest; `url` is undefined for a temporary database. */
export async function backtest(
  context: Omit<CommandContext, "url">,
  url: string | undefined,
  path: string,
  flags: BacktestFlags,
): Promise<void> {
  const { output } = context;
  const order = orderOf(flags.order);
  const seed = numberFrom(flags.seed);
  const { champion, challenger } = flags;
  const arms = selectRecorded(readText(path), {
    champion,
    challenger,
    score: flags.score,
    order,
    seed,
    timeField: flags.timeField,
  });
  const clock = createTestClock(EPOCH_MS);
  const settings = { clock, ids: seededIds(createRandom(seed), clock) };
  await withEngine(url ?? ":memory:", { mustExist: false, settings }, async ({ engine, store }) => {
    const progress = output.progress();
    const result = await runBacktest(engine, store, clock, arms, {
      project: flags.project,
      share: numberFrom(flags.share),
      policy: policyFrom(flags.policy, {}),
      horizon: flags.horizon === undefined ? undefined : numberFrom(flags.horizon),
      seed,
      order,
      configs: {
        champion: { role: "champion", selector: champion },
        challenger: { role: "challenger", selector: challenger },
      },
      onProgress: (done, total) => progress.update(done, total),
    });
    progress.end();
    if (flags.trace) printTrace(context, await traceBacktest(store, flags.project));
    output.result(result, () => backtestText(result, flags, output.colors));
  });
}

function printTrace(context: Omit<CommandContext, "url">, rows: readonly object[]): void {
  // The trace is for programs: JSON lines with or without --json.
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  if (!context.output.isJson) process.stdout.write("\n");
}

function backtestText(
  result: BacktestResult,
  flags: BacktestFlags,
  colors: CommandContext["output"]["colors"],
): string {
  const explained: Explained = {
    ruling: { verdict: result.verdict, reason: result.reason },
    evaluation: { ...result.evaluation, arms: result.arms, sessionCount: result.sessionCount },
    policy: result.policy,
  };
  const threshold =
    "The plain rule 'threshold' has no guaranteed error rate: looked at after each session, it promotes an equal challenger in 23 to 34 % of experiments.";
  return [
    `${verdictText(explained.ruling, colors)} after ${plural(result.sessionCount, "session")} of ${result.horizon} planned`,
    colors.dim(
      `champion ${flags.champion} | challenger ${flags.challenger} | share ${result.share}, seed ${result.seed}, order ${result.order}`,
    ),
    "",
    sentences(explained),
    "",
    armsTable(result.arms, colors),
    "",
    decidingNumbers(explained, colors),
    ...(result.policy.kind === "threshold" ? ["", colors.yellow(threshold)] : []),
    ...result.warnings.map((warning) => `\n${colors.yellow(`Warning: ${warning}.`)}`),
  ].join("\n");
}

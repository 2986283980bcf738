/**
 * `backtest FILE`: what the engine would have decided on recorded sessions.
 */

import type { Explained } from "../../core/decision/explain.js";
import { createPolicy, metricPolicy, type PolicyInput, SCORE_METRIC } from "../../core/decision/policy.js";
import { DethroneError } from "../../core/errors.js";
import { createRandom } from "../../core/random.js";
import { type FalsePromotion, falsePromotion } from "../../core/simulation/false-promotion.js";
import { count, plural } from "../../core/words/numbers.js";
import { type BacktestResult, runBacktest, traceBacktest } from "../../engine/backtest/backtest.js";
import { type RecordedMetric, type RecordedOrder, selectRecorded } from "../../engine/backtest/recorded.js";
import { seededIds } from "../../engine/environment.js";
import { createTestClock } from "../../testing.js";
import { armsTable, decidingNumbers } from "../evaluation-views.js";
import { coverageText, guardrailsText, metricsText } from "../metric-views.js";
import { withEngine } from "../open.js";
import { plainRuleText } from "../plan-views.js";
import { metricsFrom, type PolicyFlags, policyFrom, RECORDED } from "../policy-flags.js";
import { flagNumber, numberFrom, readText } from "../settings.js";
import { paragraph, sentences, verdictText } from "../views.js";
import type { CommandContext } from "./context.js";

/** Flags of `backtest`. */
export interface BacktestFlags extends PolicyFlags {
  readonly champion: string;
  readonly challenger: string;
  readonly score: string;
  readonly share: string;
  readonly horizon?: string;
  readonly order: string;
  readonly seed: string;
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

/** A recorded session cannot be given another arm, so that a share that moves has nothing to move. */
function shareFrom(text: string): number {
  const share = numberFrom(text);
  if (!Number.isNaN(share)) return share;
  throw new DethroneError(
    "share_out_of_range",
    `A backtest needs one share, a number in [0.01, 0.99]; received '${text}'.`,
    { received: text },
  );
}

/** The fields that are recorded as metrics: those that the flags or the policy name. */
function recordedMetrics(policy: PolicyInput, flags: BacktestFlags): RecordedMetric[] {
  const complete = createPolicy(policy);
  const declared = Object.keys(metricsFrom(flags.metric ?? []));
  const guarded = (policy.guardrails ?? [])
    .map(({ metric }) => metric)
    .filter((name) => name !== SCORE_METRIC);
  return [...new Set([...Object.keys(policy.metrics ?? {}), ...guarded])].map((name) => ({
    name,
    kind: metricPolicy(complete, name).kind,
    isRequired: declared.includes(name),
  }));
}

/** What the plain rule costs on sessions like these; null where the rule has a guarantee instead. */
function priceOf({ policy, share, arms }: BacktestResult): FalsePromotion | null {
  const [champion] = arms;
  if (policy.kind === "calibrated" || !champion) return null;
  return falsePromotion(policy, { kind: "fixed", share }, champion.mean);
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
  const seed = flagNumber("--seed", flags.seed);
  const { champion, challenger } = flags;
  const policy = policyFrom(flags, {}, RECORDED);
  const metrics = recordedMetrics(policy, flags);
  const arms = selectRecorded(readText(path), {
    champion,
    challenger,
    score: flags.score,
    order,
    seed,
    timeField: flags.timeField,
    metrics,
  });
  const clock = createTestClock(EPOCH_MS);
  const settings = { clock, ids: seededIds(createRandom(seed), clock) };
  await withEngine(url ?? ":memory:", { mustExist: false, settings }, async ({ engine, store }) => {
    const progress = output.progress();
    const result = await runBacktest(engine, store, clock, arms, {
      project: flags.project,
      share: shareFrom(flags.share),
      policy,
      metrics: metrics.map(({ name }) => name),
      horizon: flags.horizon === undefined ? undefined : flagNumber("--horizon", flags.horizon),
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
    const price = priceOf(result);
    output.result({ ...result, falsePromotion: price }, () =>
      backtestText(result, price, flags, output.colors),
    );
  });
}

function printTrace(context: Omit<CommandContext, "url">, rows: readonly object[]): void {
  // The trace is for programs: JSON lines with or without --json.
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  if (!context.output.isJson) process.stdout.write("\n");
}

function backtestText(
  result: BacktestResult,
  price: FalsePromotion | null,
  flags: BacktestFlags,
  colors: CommandContext["output"]["colors"],
): string {
  const { policy, sessionCount } = result;
  const evaluation = { ...result.evaluation, arms: result.arms, sessionCount };
  const explained: Explained = {
    ruling: { verdict: result.verdict, reason: result.reason },
    evaluation,
    policy,
  };
  const { metrics } = evaluation;
  // A guardrail on a metric that nobody recorded has nothing to say.
  const guarded = evaluation.guardrails.filter(({ metric }) => metric === SCORE_METRIC || metric in metrics);
  const coverage = coverageText(evaluation);
  const parts = [
    [
      `${verdictText(explained.ruling, colors)} after ${plural(sessionCount, "session")} of ${count(result.horizon)} planned`,
      colors.dim(`champion ${flags.champion}`),
      colors.dim(`challenger ${flags.challenger}`),
      colors.dim(`share ${result.share}, seed ${result.seed}, order ${result.order}`),
    ].join("\n"),
    sentences(explained),
    armsTable(result.arms, colors),
    decidingNumbers(explained, colors),
    metricsText(metrics, colors),
    coverage === "" ? "" : colors.dim(paragraph(coverage)),
    guardrailsText(guarded, policy, colors),
    ...plainRuleText(price, colors),
    ...result.warnings.map((warning) => colors.yellow(paragraph(`Warning: ${warning}.`))),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/**
 * Deciding and checking decisions: `decide`, `verify`.
 */
import { DethroneError } from "../../core/errors.js";
import type { DecideOptions, Engine } from "../../engine/engine.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import { withEngine } from "../open.js";
import { durationMs } from "../settings.js";
import { type TickView, tickText } from "../tick-views.js";
import { TickWatcher } from "../tick-watcher.js";
import { timeText, verifyText } from "../views.js";
import type { CommandContext } from "./context.js";

/** Flags of `decide`. */
export interface DecideFlags {
  readonly every?: string;
  readonly cron?: string;
  readonly dryRun?: boolean;
  readonly project?: string;
}

/** `decide`: one tick, or a worker that ticks until it is told to stop. */
export async function decide(context: CommandContext, flags: DecideFlags): Promise<void> {
  if (flags.every !== undefined && flags.cron !== undefined) {
    throw new DethroneError("usage_invalid", "Give --every or --cron, not both.", {});
  }
  const everyMs = flags.every === undefined ? null : durationMs(flags.every);
  await withEngine(context.url, { mustExist: true, takesSpool: !flags.dryRun }, async ({ engine, store }) => {
    if (flags.project !== undefined) await requireProject(store, flags.project);
    const onFailure = (key: string, error: unknown): void => {
      context.output.note(`Project ${key}:`);
      process.exitCode = context.output.failure(error);
    };
    const options = { project: flags.project, dryRun: flags.dryRun ?? false, onFailure };
    const watcher = new TickWatcher(store, options);
    await watcher.begin();
    const tick = async (): Promise<TickView> => watcher.view(await engine.decide(options));
    if (everyMs !== null) return worker(context, everyMs, tick);
    if (flags.cron !== undefined)
      return cronWorker(context, engine, { expression: flags.cron, options, watcher });
    printTick(context, await tick(), false);
    // Whoever ticks once goes on a whole round, however long an endpoint keeps it.
    await engine.webhooks.idle();
  });
}

function printTick(context: CommandContext, view: TickView, isStream: boolean): void {
  const { output } = context;
  if (!output.isJson) {
    const stamp = isStream ? `${output.colors.dim(timeText(Date.now()))}\n` : "";
    output.result(view.results, () => stamp + tickText(view, Date.now(), output.colors));
    return;
  }
  for (const result of view.results)
    output.result({ ...result, events: eventsOf(view, result.project) }, () => "");
}

/** What a tick did in a project beside its verdict: drafts started, challengers dropped, shares raised. */
function eventsOf({ news }: TickView, project: string) {
  return news
    .filter((each) => each.project === project)
    .map(({ entry: { action, reason, experimentUid, details } }) => ({
      action,
      reason,
      experiment: experimentUid,
      details,
    }));
}

/** Resolves when the process is asked to stop. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

async function worker(
  context: CommandContext,
  everyMs: number,
  tick: () => Promise<TickView>,
): Promise<void> {
  let isStopped = false;
  const stopped = stopAsked().then(() => {
    isStopped = true;
  });
  while (!isStopped) {
    try {
      printTick(context, await tick(), true);
    } catch (error) {
      // A worker outlives a database that is away for a while.
      context.output.failure(error);
    }
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, everyMs);
    });
    await Promise.race([pause, stopped]);
    clearTimeout(timer);
  }
}

async function cronWorker(
  context: CommandContext,
  engine: Engine,
  cron: {
    readonly expression: string;
    readonly options: DecideOptions;
    readonly watcher: TickWatcher;
  },
): Promise<void> {
  const stopped = stopAsked();
  const schedule = engine.schedule(cron.expression, {
    ...cron.options,
    onTick: async (results) => printTick(context, await cron.watcher.view(results), true),
    onError: (error) => context.output.failure(error),
    keepsAlive: true,
  });
  const next = schedule.nextAtMs();
  if (next !== null) context.output.note(`Next tick at ${timeText(next)} UTC. Stop with Ctrl-C.`);
  await stopped;
  schedule.stop();
}

/** `verify [DECISION]` */
export async function verify(context: CommandContext, decision: string | undefined): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const results = await engine.verify(decision);
    const different = results.filter((result) => !result.isEqual);
    context.output.result({ decisions: results, count: results.length, different: different.length }, () =>
      [
        verifyText(results, context.output.colors),
        `${results.length} recomputed, ${different.length} different.`,
      ].join("\n"),
    );
    if (different.length > 0) process.exitCode = new DethroneError("decision_mismatch", "").exitCode;
  });
}

/**
 * `plan`: how long an experiment will take and what it can find, at a project's traffic.
 */

import { DethroneError } from "../../core/errors.js";
import {
  createPlan,
  type Plan,
  type PlanInput,
  planOf,
  planSimulations,
} from "../../core/simulation/plan.js";
import { DAY_MS } from "../../engine/duration.js";
import { trafficOf } from "../../engine/experiments/design.js";
import { type Pace, paceOf } from "../../engine/experiments/detect.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import { withEngine } from "../open.js";
import { simulateInParallel } from "../parallel.js";
import { durationMs, flagNumber, flagWhole } from "../settings.js";
import { planText } from "../simulation-views.js";
import type { CommandContext } from "./context.js";

/** Flags of `plan`, as texts. */
export interface PlanFlags {
  readonly project?: string;
  readonly baseRate?: string;
  readonly effect: string;
  readonly share: string;
  readonly sessionsPerDay?: string;
  readonly horizon?: string;
  readonly within?: string;
  readonly power: string;
  readonly alpha: string;
  readonly runs: string;
  readonly seed: string;
}

/** Sessions simulated at each share, at most: fewer runs for long experiments, so that an answer takes seconds. */
const SESSIONS_MAX = 2e7;
const RUNS_MIN = 200;

/** A plan, simulated. @throws DethroneError `settings_invalid`, `share_out_of_range`, `policy_invalid` */
export async function planned(
  input: PlanInput,
  runs: number,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Plan & { readonly runs: number }> {
  const settings = createPlan(input);
  const affordable = Math.max(RUNS_MIN, Math.floor(SESSIONS_MAX / settings.horizon));
  const used = Math.min(runs, affordable);
  const jobs = planSimulations(settings).map((simulation) => ({ simulation, runs: used }));
  return { ...planOf(settings, await simulateInParallel(jobs, { onProgress })), runs: used };
}

/** What is known of the project, where one is named. */
async function projectPace(context: CommandContext, key: string): Promise<Pace> {
  return withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const nowMs = Date.now();
    const pace = paceOf(await trafficOf(store, await requireProject(store, key), nowMs), nowMs);
    if (pace.isBaseRateKnown && pace.sessionsPerDay !== null) return pace;
    throw new DethroneError(
      "input_invalid",
      `Project '${key}' has too few settled sessions in the last 14 days to plan from; give --base-rate and --sessions-per-day instead.`,
      { project: key },
    );
  });
}

/** `plan` */
export async function plan(context: CommandContext, flags: PlanFlags): Promise<void> {
  const { output } = context;
  const { horizon, within, project, baseRate, sessionsPerDay } = flags;
  if (horizon !== undefined && within !== undefined) {
    throw new DethroneError(
      "usage_invalid",
      "Give --horizon or --within, not both: within is the horizon in days.",
      {
        received: { horizon, within },
      },
    );
  }
  const pace = project === undefined ? null : await projectPace(context, project);
  const input: PlanInput = {
    baseRate: baseRate === undefined ? (pace?.baseRate ?? 0.6) : flagNumber("--base-rate", baseRate),
    effect: flagNumber("--effect", flags.effect),
    share: flagNumber("--share", flags.share),
    sessionsPerDay:
      sessionsPerDay === undefined
        ? (pace?.sessionsPerDay ?? 100)
        : flagNumber("--sessions-per-day", sessionsPerDay),
    power: flagNumber("--power", flags.power),
    alpha: flagNumber("--alpha", flags.alpha),
    horizon: horizon === undefined ? undefined : flagNumber("--horizon", horizon),
    withinDays: within === undefined ? undefined : durationMs(within) / DAY_MS,
    seed: flagWhole("--seed", flags.seed, 0, Number.MAX_SAFE_INTEGER),
  };
  const progress = output.progress();
  const runs = flagWhole("--runs", flags.runs, 1, 1e6);
  const result = await planned(input, runs, (done, total) => progress.update(done, total));
  progress.end();
  const width = process.stdout.columns ?? 80;
  output.result(result, () => planText(result, { colors: output.colors, width }));
}

/**
 * Upkeep of the database: `doctor`, `prune`, `forget`, `backup`.
 */
import { DethroneError } from "../../core/errors.js";
import { withEngine } from "../open.js";
import { durationMs } from "../settings.js";
import { backupText, doctorText, forgetText, pruneText } from "../upkeep-views.js";
import type { CommandContext, ReasonFlags } from "./context.js";

/** Flags of `doctor`. */
export interface DoctorFlags {
  readonly verify?: boolean;
}

/** `doctor`: exit 70 (`doctor_found_problems`) where there is a problem. */
export async function doctor(context: CommandContext, flags: DoctorFlags): Promise<void> {
  const { output } = context;
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const bar = output.progress();
    const { verify } = flags;
    const report = await engine.doctor({ verify, onProgress: bar.update }).finally(() => bar.end());
    output.result(report, () => doctorText(report, Date.now(), output.colors));
    if (!report.isHealthy) process.exitCode = new DethroneError("doctor_found_problems", "").exitCode;
  });
}

/** Flags of `prune`. */
export interface PruneFlags {
  readonly olderThan: string;
  readonly project?: string;
  readonly dryRun?: boolean;
  readonly vacuum?: boolean;
}

/** `prune` */
export async function prune(context: CommandContext, flags: PruneFlags): Promise<void> {
  const { output, actor } = context;
  const { project, dryRun, vacuum } = flags;
  const olderThanMs = durationMs(flags.olderThan);
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const bar = output.progress();
    const options = { olderThanMs, project, dryRun, vacuum, actor, onProgress: bar.update };
    const result = await engine.prune(options).finally(() => bar.end());
    output.result(result, () => pruneText(result, output.colors));
  });
}

/** Flags of `forget`. */
export interface ForgetFlags extends ReasonFlags {
  readonly project?: string;
  readonly dryRun?: boolean;
}

/** `forget UNIT`: exit 6 where another process kept the file from being rewritten. */
export async function forget(context: CommandContext, unit: string, flags: ForgetFlags): Promise<void> {
  const { output, actor } = context;
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const result = await engine.forget(unit, { ...flags, actor });
    output.result(result, () => forgetText(result));
    if (!result.isErased && !result.isDryRun)
      process.exitCode = new DethroneError("storage_busy", "").exitCode;
  });
}

/** `backup FILE` */
export async function backup(context: CommandContext, path: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const copy = await engine.backup(path);
    context.output.result(copy, () => backupText(copy));
  });
}

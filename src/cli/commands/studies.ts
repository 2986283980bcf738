/**
 * `study create`, `list`, `show`, `report`, `conclude`, `archive` and `tag`: comparisons that nobody randomised.
 */
import type { StudyTag } from "../../core/studies/classification.js";
import { parseDuration } from "../../engine/duration.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import type { StudyInput } from "../../engine/studies/study-input.js";
import { gitAncestry } from "../../git-ancestry.js";
import { timeFrom, withoutUndefined } from "../challenge-flags.js";
import { withEngine } from "../open.js";
import { metricsFrom } from "../policy-flags.js";
import { invalidFlag } from "../settings.js";
import { studiesText, studyReportText, studyText } from "../study-views.js";
import type { CommandContext, ReasonFlags } from "./context.js";

/** Flags of `study create`. */
export interface StudyFlags {
  readonly field?: string;
  readonly config?: string;
  readonly git?: string;
  readonly metric?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly hypothesis?: string;
}

/** Flags of what may have to ask git. */
export interface RepoFlags {
  readonly repo?: string;
}

/** Two dots alone, once: three mean something else to git. */
const PAIR = /^((?:(?!\.\.).)+)\.\.(?!\.)((?:(?!\.\.).)+)$/;

/** `CHAMPION..CHALLENGER`, as git has ranges. @throws DethroneError `usage_invalid` */
function pairFrom(flag: string, text: string): { readonly champion: string; readonly challenger: string } {
  const [, champion, challenger] = PAIR.exec(text) ?? [];
  if (champion && challenger) return { champion, challenger };
  return invalidFlag(flag, text, "CHAMPION..CHALLENGER, with two dots between what stands for each arm");
}

/** Values with commas between. */
function listPair(flag: string, text: string) {
  const { champion, challenger } = pairFrom(flag, text);
  return { champion: champion.split(","), challenger: challenger.split(",") };
}

function fieldFrom(text: string): NonNullable<StudyInput["field"]> {
  const split = text.indexOf("=");
  if (split < 1) invalidFlag("--field", text, "NAME=CHAMPION..CHALLENGER, such as plan=free..pro,team");
  return { name: text.slice(0, split), ...listPair("--field", text.slice(split + 1)) };
}

/** A time, or how long ago. */
function pastTime(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const agoMs = parseDuration(text);
  const nowMs = Date.now();
  return agoMs === null ? timeFrom(flag, text, nowMs) : nowMs - agoMs;
}

/** `study create PROJECT NAME` */
export async function createStudy(
  context: CommandContext,
  project: string,
  name: string,
  flags: StudyFlags,
): Promise<void> {
  const { field, config, git, metric, since, until, hypothesis } = flags;
  const input = withoutUndefined({
    hypothesis,
    field: field === undefined ? undefined : fieldFrom(field),
    config: config === undefined ? undefined : listPair("--config", config),
    git: git === undefined ? undefined : pairFrom("--git", git),
    metrics: metric === undefined ? undefined : metricsFrom(metric),
    since: pastTime("--since", since),
    until: pastTime("--until", until),
  });
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const study = await engine.studies.create(project, name, { ...input, actor: context.actor });
    context.output.result(study, () => studyText(study, context.output.colors));
  });
}

/** `study list PROJECT` */
export async function listStudies(
  context: CommandContext,
  project: string,
  { archived }: { readonly archived?: boolean },
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const studies = await engine.studies.list(project, { archived });
    context.output.result({ project, studies }, () => studiesText(project, studies, context.output.colors));
  });
}

/** `study show PROJECT NAME` */
export async function showStudy(context: CommandContext, project: string, name: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const study = await engine.studies.get(project, name);
    context.output.result(study, () => studyText(study, context.output.colors));
  });
}

/** `study report PROJECT NAME`; with a reason `study conclude`, which makes it last. */
export async function reportStudy(
  context: CommandContext,
  project: string,
  name: string,
  { repo, reason }: RepoFlags & Partial<ReasonFlags>,
): Promise<void> {
  const git = gitAncestry({ repo });
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const report =
      reason === undefined
        ? await engine.studies.report(project, name, { git })
        : await engine.studies.conclude(project, name, { git, reason, actor: context.actor });
    const { champion } = await requireProject(store, project);
    context.output.result(report, () => studyReportText(report, champion.body, context.output.colors));
  });
}

/** `study archive PROJECT NAME` */
export async function archiveStudy(
  context: CommandContext,
  project: string,
  name: string,
  { reason }: ReasonFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const study = await engine.studies.archive(project, name, { reason, actor: context.actor });
    context.output.result(study, () => `Study ${name} is put away; 'dethrone study list --archived' has it.`);
  });
}

/** `tag SESSION STUDY ARM` */
export async function tag(
  context: CommandContext,
  session: string,
  study: string,
  arm: string,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const { status } = await engine.tag(session, { study, arm: arm as StudyTag, actor: context.actor });
    const had = status === "duplicate" ? " already" : "";
    const told = arm === "excluded" ? "excluded from" : `the ${arm}'s in`;
    context.output.result(
      { session, study, arm, status },
      () => `${session} is ${told} study ${study}${had}.`,
    );
  });
}

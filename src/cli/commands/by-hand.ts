/**
 * What a person does to the experiment in a project's slot: pause, revise, drop a challenger, end, roll back.
 */
import type { Policy } from "../../core/decision/policy.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { holdoutBuckets } from "../../core/sessions/holdout.js";
import { short, shortId } from "../../core/words/names.js";
import { percent, plural } from "../../core/words/numbers.js";
import { challengersOf } from "../../engine/experiments/arms.js";
import {
  placeOf,
  requireExperiment,
  requireOccupied,
  requireProject,
} from "../../engine/experiments/lookup.js";
import { termsAt } from "../../engine/experiments/terms.js";
import type { ProjectState, StoredExperiment } from "../../engine/ports.js";
import { withoutUndefined } from "../challenge-flags.js";
import { type Labels, labelsOf, nameIn } from "../names.js";
import { withEngine } from "../open.js";
import { shareFrom } from "../policy-flags.js";
import { invalidFlag, numberFrom } from "../settings.js";
import { type CommandContext, type ReasonFlags, requireChanges } from "./context.js";

/** What a person may do to the experiment in the slot. */
export type ByHandVerb = "pause" | "resume" | "abort" | "promote" | "approve" | "decline" | "rollback";

/** Flags of what a person does; each verb takes some of them. */
export interface ByHandFlags extends ReasonFlags {
  /** of `abort` */
  readonly experiment?: string;
  /** of `promote` */
  readonly challenger?: string;
  /** of `rollback` */
  readonly to?: string;
}

const DONE: Record<ByHandVerb, string> = {
  pause: "Paused: everyone gets the champion, nothing folds or decides.",
  resume: "Resumed.",
  abort: "Aborted: everyone gets the champion.",
  promote: "Promoted: the challenger is the champion.",
  approve: "Approved: the challenger is the champion.",
  decline: "Declined: the champion stays.",
  rollback: "Rolled back: a former champion is the champion again.",
};

function doneText(verb: ByHandVerb, acted: StoredExperiment | null): string {
  if (verb === "abort" && acted?.status === "draft") return `Discarded draft ${shortId(acted.uid)}.`;
  if (acted?.kind === "watch" && (verb === "promote" || verb === "approve"))
    return "Rolled back: the old champion of the watch is the champion again.";
  return DONE[verb];
}

/** The watch that a promotion has begun, if any. */
function begunWatch(verb: ByHandVerb, { experiment }: ProjectState): StoredExperiment | null {
  const isPromotion = verb === "promote" || verb === "approve";
  return isPromotion && experiment?.kind === "watch" ? experiment : null;
}

/** The champion as it is now, and the watch that has begun, if any. */
function nowText({ key, champion }: ProjectState, labels: Labels, begun: StoredExperiment | null): string {
  const label = labels.get(champion.hash);
  const named = label ? `${nameIn(labels, champion.hash)} (${short(champion.hash)})` : short(champion.hash);
  const watch =
    begun === null
      ? ""
      : ` A watch has begun: ${percent(begun.planShares[0] ?? 0)} stay on the old champion for ${plural(begun.policy.horizon, "session")}.`;
  return `Champion of ${key}: ${named}.${watch}`;
}

/** `pause`, `resume`, `abort`, `promote`, `approve`, `decline`, `rollback` */
export async function byHand(
  context: CommandContext,
  verb: ByHandVerb,
  key: string,
  flags: ByHandFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const before = await requireProject(store, key);
    const { experiment: asked, reason } = flags;
    const acted = asked === undefined ? before.experiment : await requireExperiment(store, key, asked);
    const project = await engine.project(key);
    await project[verb](withoutUndefined({ ...flags, actor: context.actor }));
    const state = await requireProject(store, key);
    const labels = await labelsOf(store, state.id);
    const begun = begunWatch(verb, state);
    context.output.result(
      {
        ...{ project: key, action: verb, reason, champion: state.champion.hash },
        ...{ experiment: acted?.uid ?? null, watch: begun?.uid ?? null },
      },
      () => `${doneText(verb, acted)} ${nowText(state, labels, begun)}`,
    );
  });
}

/** `archive PROJECT EXPERIMENT` */
export async function archive(
  context: CommandContext,
  key: string,
  id: string,
  { reason }: ReasonFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const { uid } = await requireExperiment(store, key, id);
    await (await engine.project(key)).archive(uid, { reason, actor: context.actor });
    context.output.result(
      { project: key, action: "archive", reason, experiment: uid },
      () => `Archived experiment ${shortId(uid)}. 'project show ${key} --archived' lists it.`,
    );
  });
}

/** `holdout PROJECT SHARE` */
export async function holdout(
  context: CommandContext,
  key: string,
  text: string,
  { reason }: ReasonFlags,
): Promise<void> {
  const wanted = numberFrom(text);
  if (Number.isNaN(wanted)) invalidFlag("holdout", text, "a share from 0 to 0.5");
  const share = shareOf(holdoutBuckets(wanted));
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    await (await engine.project(key)).holdout(share, { reason, actor: context.actor });
    context.output.result({ project: key, action: "holdout", reason, holdout: share }, () =>
      share === 0
        ? `No unit of ${key} is held out of the experiments that start from now on.`
        : `${percent(share)} of the units of ${key} are held out of every experiment that starts from now on: they always get the champion.`,
    );
  });
}

/** `drop PROJECT CHALLENGER` */
export async function drop(
  context: CommandContext,
  key: string,
  challenger: string,
  { reason }: ReasonFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const before = await requireOccupied(store, key);
    const place = await placeOf(store, before, challenger);
    const labels = await labelsOf(store, before.projectId);
    await (await engine.project(key)).drop({ challenger: place, reason, actor: context.actor });
    const after = await requireOccupied(store, key);
    const nameOf = (at: number): string => nameIn(labels, after.arms[at]?.config.hash ?? "");
    const left = challengersOf(after).flatMap(({ out }, j) => (out === null ? [nameOf(j + 1)] : []));
    const result = { project: key, action: "drop", reason, experiment: after.uid, place };
    context.output.result({ ...result, challenger: after.arms[place]?.config.hash }, () =>
      [
        `Dropped ${nameOf(place)}: its share and its units go to the champion.`,
        `Still contending: ${left.join(", ")}.`,
      ].join(" "),
    );
  });
}

/** Flags of `revise`. */
export interface ReviseFlags extends ReasonFlags {
  readonly horizon?: string;
  readonly share?: string;
  readonly minPerArm?: string;
  readonly futility?: string;
}

/** Part of the horizon before which nothing is held as unlikely, where the experiment had no such rule. */
const FUTILITY_AFTER = 0.1;

function futilityFrom(text: string, before: Policy["futility"]): Policy["futility"] {
  if (text === "off") return null;
  return { chance: numberFrom(text), after: before?.after ?? FUTILITY_AFTER };
}

/** `revise PROJECT` */
export async function revise(context: CommandContext, key: string, flags: ReviseFlags): Promise<void> {
  const { horizon, share, minPerArm, futility, reason } = flags;
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const experiment = await requireOccupied(store, key);
    const before = termsAt(experiment, Number.MAX_SAFE_INTEGER).policy.futility;
    const changes = {
      ...(horizon !== undefined && { horizon: numberFrom(horizon) }),
      ...(share !== undefined && { share: shareFrom(share) }),
      ...(minPerArm !== undefined && { minPerArm: numberFrom(minPerArm) }),
      ...(futility !== undefined && { futility: futilityFrom(futility, before) }),
    };
    requireChanges(changes, "--horizon, --share, --min-per-arm or --futility");
    const project = await engine.project(key);
    await project.revise({ ...changes, reason, actor: context.actor });
    context.output.result(
      { project: key, action: "revise", reason, changes },
      () => `Revised ${Object.keys(changes).join(", ")} of ${key}, from the next session on.`,
    );
  });
}

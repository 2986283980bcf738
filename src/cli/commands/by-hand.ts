/**
 * What a person does to the experiment in a project's slot: pause, revise, end, roll back.
 */
import type { Policy } from "../../core/decision/policy.js";
import type { Engine } from "../../engine/engine.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import { termsAt } from "../../engine/experiments/terms.js";
import { CLI_ACTOR, withEngine } from "../open.js";
import { shareFrom } from "../policy-flags.js";
import { numberFrom } from "../settings.js";
import { short } from "../views.js";
import type { CommandContext } from "./context.js";

/** What a person may do to the experiment in the slot. */
export type ByHandVerb = "pause" | "resume" | "abort" | "promote" | "approve" | "decline" | "rollback";

const DONE: Record<ByHandVerb, string> = {
  pause: "Paused: everyone gets the champion, nothing folds or decides.",
  resume: "Resumed.",
  abort: "Aborted: everyone gets the champion.",
  promote: "Promoted: the challenger is the champion.",
  approve: "Approved: the challenger is the champion.",
  decline: "Declined: the champion stays.",
  rollback: "Rolled back: the previous champion is the champion again.",
};

/** `pause`, `resume`, `abort`, `promote`, `approve`, `decline`, `rollback` */
export async function byHand(
  context: CommandContext,
  verb: ByHandVerb,
  key: string,
  flags: { readonly reason: string },
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    await actByHand(engine, verb, key, flags.reason);
    const state = await requireProject(store, key);
    context.output.result(
      { project: key, action: verb, reason: flags.reason, champion: state.champion.hash },
      () => `${DONE[verb]} Champion of ${key}: ${short(state.champion.hash)}.`,
    );
  });
}

async function actByHand(engine: Engine, verb: ByHandVerb, key: string, reason: string): Promise<void> {
  const project = await engine.project(key);
  await project[verb]({ reason, actor: CLI_ACTOR });
}

/** Flags of `revise`. */
export interface ReviseFlags {
  readonly horizon?: string;
  readonly share?: string;
  readonly minPerArm?: string;
  readonly futility?: string;
  readonly reason: string;
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
    const { experiment } = await requireProject(store, key);
    const before = experiment && termsAt(experiment, Number.MAX_SAFE_INTEGER).policy.futility;
    const changes = {
      ...(horizon !== undefined && { horizon: numberFrom(horizon) }),
      ...(share !== undefined && { share: shareFrom(share) }),
      ...(minPerArm !== undefined && { minPerArm: numberFrom(minPerArm) }),
      ...(futility !== undefined && { futility: futilityFrom(futility, before) }),
    };
    const project = await engine.project(key);
    await project.revise({ ...changes, reason, actor: CLI_ACTOR });
    context.output.result(
      { project: key, action: "revise", reason, changes },
      () => `Revised ${Object.keys(changes).join(", ")} of ${key}, from the next session on.`,
    );
  });
}

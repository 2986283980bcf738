/**
 * Tools that do what a person does to an experiment or a champion. What cannot be taken back does nothing until it is told
 * what it ends: the experiment's id or, of a rollback, the champion's hash.
 */
import { z } from "zod";
import { DethroneError } from "../../core/errors.js";
import { shortId } from "../../core/words/names.js";
import { plural } from "../../core/words/numbers.js";
import type { Engine } from "../../engine/engine.js";
import type { ByHand } from "../../engine/experiments/audit.js";
import type { OfChallenger, RevisionInput } from "../../engine/experiments/by-hand.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import type { Project } from "../../engine/project.js";
import { projectInput, reasonInput, shareInput } from "./shapes.js";
import { type AnyTool, tool } from "./tool.js";
import { configName, contestText, requireReport } from "./words.js";

const doneShape = z.object({
  project: z.string(),
  experiment: z.string().nullable(),
  action: z.string(),
  status: z.string().nullable().describe("of the experiment now"),
  champion: z.string().describe("hash of the champion's config now"),
});

/** The experiment in the slot that a verb is about. @throws DethroneError `transition_illegal` */
async function requireOpen(engine: Engine, project: string): Promise<ExperimentReport> {
  const report = await requireReport(engine, project);
  if (report.startedAtMs !== null && report.endedAtMs === null) return report;
  throw new DethroneError(
    "transition_illegal",
    `Project '${project}' has no experiment that runs or is paused.`,
    { project },
  );
}

/** What cannot be taken back, and what has to be said for it to be done. */
interface Irrevocable {
  readonly project: string;
  readonly verb: string;
  /** what it would be done to, in words */
  readonly to: string;
  readonly wouldHappen: string;
  /** the experiment's id, or the champion's hash */
  readonly named: string;
  readonly experiment: string | null;
}

/** @throws DethroneError `confirmation_missing`, telling what would happen */
function requireConfirmed(confirm: string | undefined, irrevocable: Irrevocable): void {
  const { project, verb, to, wouldHappen, named, experiment } = irrevocable;
  if (confirm === named) return;
  throw new DethroneError(
    "confirmation_missing",
    `Nothing was done. This would ${verb} ${to}: ${wouldHappen} It cannot be taken back. To do it, call ${verb} again with confirm: "${named}".`,
    { project, experiment, received: confirm ?? null, wouldHappen },
  );
}

/** What verbs take beside the project, the reason and the confirmation; each some of it. */
type Extra = Pick<OfChallenger, "challenger"> & Omit<RevisionInput, keyof ByHand>;

/** What is done to the experiment in the slot. */
interface SlotVerb {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** what has been done, in words */
  readonly done: string;
  /** what would happen, of what cannot be taken back */
  readonly would?: string;
  readonly input?: Readonly<Record<string, z.ZodType>>;
  readonly act: (project: Project, said: ByHand, experiment: string, extra: Extra) => Promise<unknown>;
}

const experimentConfirm = z.string().optional().describe("id of the experiment; without it nothing is done");

/** A tool that does something to the experiment in the slot. */
function slotTool({ name, title, description, done, would, input = {}, act }: SlotVerb): AnyTool {
  const isIrrevocable = would !== undefined;
  const confirm = isIrrevocable ? { confirm: experimentConfirm } : {};
  return tool({
    name,
    title,
    description: isIrrevocable ? `${description} Asks for the experiment's id as confirm.` : description,
    effect: isIrrevocable ? "ends" : "writes",
    input: z.object({ project: projectInput, reason: reasonInput, ...input, ...confirm }),
    output: doneShape,
    async run({ engine, actor }, given) {
      const { project: key, reason, ...rest } = given;
      const { confirm: received, ...extra } = rest as Extra & { readonly confirm?: string };
      const before = await requireOpen(engine, key);
      const { experiment, evaluation } = before;
      if (isIrrevocable) {
        const sessions = plural(evaluation.sessionCount, "session");
        const to = `experiment ${experiment} of ${key}, in which ${contestText(before)} after ${sessions}`;
        const asked = { project: key, experiment, verb: name, to, wouldHappen: would, named: experiment };
        requireConfirmed(received, asked);
      }
      await act(await engine.project(key), { reason, actor }, experiment, extra);
      const { status } = await requireReport(engine, key, experiment);
      const { champion } = await engine.projectOverview(key);
      return {
        facts: { project: key, experiment, action: name, status, champion: champion.hash },
        text: `${done} Experiment ${shortId(experiment)} of ${key}: ${status}.`,
      };
    },
  });
}

const championConfirm = z
  .string()
  .optional()
  .describe("hash of the present champion's config; without it nothing is done");

/** `rollback` */
const rollback = tool({
  name: "rollback",
  title: "Roll back the champion",
  description:
    "Makes a former champion the champion again, by default the one before; an experiment in the slot is aborted. Asks for the present champion's hash as confirm.",
  effect: "ends",
  input: z.object({
    project: projectInput,
    reason: reasonInput,
    to: z.string().optional().describe("label, or beginning of the hash, of a former champion"),
    confirm: championConfirm,
  }),
  output: doneShape,
  async run({ engine, actor }, { project: key, reason, to, confirm }) {
    const { champion, experiment } = await engine.projectOverview(key);
    const slot = experiment === null ? "" : ` Experiment ${experiment.id} is aborted.`;
    const wouldHappen = `${to ?? "the champion before it"} becomes the champion of all traffic again.${slot}`;
    const named = champion.hash;
    const ended = { project: key, experiment: experiment?.id ?? null, verb: "rollback" };
    requireConfirmed(confirm, {
      ...ended,
      to: `champion ${configName(champion)} of ${key}`,
      wouldHappen,
      named,
    });
    await (await engine.project(key)).rollback({ reason, actor, to });
    const after = await engine.projectOverview(key);
    const status = experiment === null ? null : (await requireReport(engine, key, experiment.id)).status;
    return {
      facts: {
        ...{ project: key, action: "rollback", status },
        experiment: experiment?.id ?? null,
        champion: after.champion.hash,
      },
      text: `Rolled back: ${configName(after.champion)} is the champion of ${key} again.${slot}`,
    };
  },
});

const challengerText = "label, beginning of the hash, or place from 1";

/** The tools that do what a person does. */
export const BY_HAND: readonly AnyTool[] = [
  slotTool({
    name: "pause",
    title: "Pause an experiment",
    description:
      "Pauses the running experiment: everyone gets the champion, and nothing is decided until it is resumed.",
    done: "Paused: everyone gets the champion, nothing folds or decides.",
    act: (project, said) => project.pause(said),
  }),
  slotTool({
    name: "resume",
    title: "Resume an experiment",
    description: "Lets the paused experiment go on.",
    done: "Resumed.",
    act: (project, said) => project.resume(said),
  }),
  slotTool({
    name: "revise",
    title: "Revise an experiment in flight",
    description:
      "Changes planned sessions, share, minimum or futility of the experiment, for the sessions to come; the guarantee holds. All else of a policy is frozen at the start.",
    done: "Revised, from the next session on.",
    input: {
      horizon: z.int().min(1).optional().describe("planned units, both arms together"),
      share: shareInput.describe(
        "the challengers' share of the traffic, 0.01 to 0.99, or a share that moves",
      ),
      minPerArm: z.int().min(1).optional().describe("units of each arm before a promotion"),
      futility: z
        .object({
          chance: z.number().describe("of a promotion, below which the experiment is held"),
          after: z.number().describe("part of the horizon before which it never is"),
        })
        .nullable()
        .optional()
        .describe("null: never held as unlikely"),
    },
    act: (project, said, _experiment, extra) => project.revise({ ...extra, ...said }),
  }),
  slotTool({
    name: "drop",
    title: "Drop a challenger",
    description:
      "Takes one of several challengers out of the contest; the others go on, each at the level it had.",
    done: "Dropped: its share and its units go to the champion.",
    would: "the challenger leaves the contest, and its share and its units go to the champion.",
    input: { challenger: z.string().describe(challengerText) },
    act: (project, said, _experiment, { challenger }) => project.drop({ ...said, challenger }),
  }),
  slotTool({
    name: "abort",
    title: "Abort an experiment",
    description: "Ends the experiment; the champion stays.",
    done: "Aborted: everyone gets the champion.",
    would:
      "everyone gets the champion from now on, and the experiment ends without a verdict on the evidence.",
    act: (project, said, experiment) => project.abort({ ...said, experiment }),
  }),
  slotTool({
    name: "promote",
    title: "Promote a challenger by hand",
    description:
      "Makes a challenger the champion whatever the evidence, which no guarantee covers: the scheduled job promotes with proof.",
    done: "Promoted: the challenger is the champion.",
    would:
      "the challenger becomes the champion of all traffic without proof that it is better. The scheduled job promotes it once the evidence is in.",
    input: { challenger: z.string().optional().describe(`${challengerText}; needless where there is one`) },
    act: (project, said, experiment, { challenger }) => project.promote({ ...said, experiment, challenger }),
  }),
  slotTool({
    name: "approve",
    title: "Approve a promotion",
    description: "Approves the promotion that waits for a person: the challenger becomes the champion.",
    done: "Approved: the challenger is the champion.",
    would: "the challenger becomes the champion of all traffic.",
    act: (project, said, experiment) => project.approve({ ...said, experiment }),
  }),
  slotTool({
    name: "decline",
    title: "Decline a promotion",
    description: "Declines the promotion that waits for a person: the champion stays.",
    done: "Declined: the champion stays.",
    would: "the champion stays, although the evidence is in.",
    act: (project, said, experiment) => project.decline({ ...said, experiment }),
  }),
  rollback,
];

/**
 * `override` and `overrides`: units that are given an arm by hand, to try it.
 */
import { requireProject } from "../../engine/experiments/lookup.js";
import type { Override, ProjectState } from "../../engine/ports.js";
import { armName, armNames, clipped, type Labels, labelsOf, nameIn } from "../names.js";
import { withEngine } from "../open.js";
import { type Colors, table } from "../render.js";
import { minuteText } from "../views.js";
import type { CommandContext, ReasonFlags } from "./context.js";

/** Names of the arms of the experiment in the slot. */
function namesOf({ experiment }: ProjectState, labels: Labels): readonly string[] {
  const challengers = experiment?.arms.slice(1) ?? [];
  return armNames(challengers.map(({ config: { hash } }) => ({ hash, label: labels.get(hash) ?? null })));
}

/** The arm of the word: a number is a challenger's place. */
function armFrom(text: string): string | number | null {
  if (text === "none") return null;
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** `override PROJECT UNIT ARM` */
export async function override(
  context: CommandContext,
  key: string,
  unit: string,
  arm: string,
  { reason }: ReasonFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const project = await engine.project(key);
    await project.override(unit, armFrom(arm), { reason, actor: context.actor });
    const state = await requireProject(store, key);
    const labels = await labelsOf(store, state.id);
    const stored = (await project.overrides()).find((each) => each.unit === unit);
    const hash = stored && state.experiment?.arms[stored.arm]?.config.hash;
    const result = { project: key, action: "override", reason, unit, arm: stored?.arm ?? null };
    context.output.result({ ...result, config: hash ?? null }, () =>
      stored && hash
        ? `${unit} gets ${named(stored, namesOf(state, labels))}, ${nameIn(labels, hash)}, from its next session on; its sessions never count.`
        : `${unit} has no arm by hand any more.`,
    );
  });
}

const named = ({ arm }: Override, names: readonly string[]): string => {
  const name = armName(arm, names.length, names);
  return name === "champion" || name === "challenger" ? `the ${name}` : `challenger ${arm}`;
};

const UNIT_WIDTH = 28;
const REASON_WIDTH = 30;

function overridesText(overrides: readonly Override[], names: readonly string[], colors: Colors): string {
  if (overrides.length === 0) return "No unit has an arm by hand.";
  const rows = overrides.map(({ unit, arm, actor, reason, atMs }) => [
    clipped(unit, UNIT_WIDTH),
    armName(arm, names.length, names),
    colors.dim(minuteText(atMs)),
    clipped(actor, 10),
    clipped(reason, REASON_WIDTH),
  ]);
  const header = ["unit", "arm", "since (UTC)", "who", "why"];
  return table(rows, { header, align: ["left", "left", "left", "left", "left"], colors });
}

/** `overrides PROJECT` */
export async function overrides(context: CommandContext, key: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const state = await requireProject(store, key);
    const list = await (await engine.project(key)).overrides();
    const labels = await labelsOf(store, state.id);
    const experiment = state.experiment?.uid ?? null;
    context.output.result({ project: key, experiment, overrides: list }, () =>
      overridesText(list, namesOf(state, labels), context.output.colors),
    );
  });
}

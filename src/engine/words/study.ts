/**
 * Studies in words.
 */

import type { Assign } from "../../core/sessions/assign.js";
import type { ArmMarks, Placer, StudyRules } from "../../core/studies/classification.js";
import type { Caution, LeftOut, StudyNumbers } from "../../core/studies/study.js";
import { listed, short } from "../../core/words/names.js";
import { count, percent, plural, signedPoints } from "../../core/words/numbers.js";

/** What has to be said wherever a study, or what a rule's arms have shown, is told. */
export const OBSERVATIONAL_TEXT =
  "Observational: nobody was randomised. Whatever else differs between the arms (time, tasks, people) is in the difference, and it promotes nothing.";

const marksText = (
  { champion, challenger }: ArmMarks<readonly string[]>,
  told = (mark: string): string => mark,
): string =>
  `${champion.map((each) => told(each)).join(" or ")} against ${challenger.map((each) => told(each)).join(" or ")}`;

/** How sessions are put into arms, the strongest rule first. */
export function rulesText({ field, config, git }: StudyRules): readonly string[] {
  return [
    "a tag by hand",
    ...(field ? [`the field ${field.name}: ${marksText(field)}`] : []),
    ...(config ? [`the config: ${marksText(config, short)}`] : []),
    ...(git ? [`the commit: of ${git.champion} against of ${git.challenger}`] : []),
  ];
}

const PLACED: Record<Placer, string> = {
  tag: "by tag",
  field: "by field",
  config: "by config",
  git: "by git",
  assign: "by the experiment's rule",
};

const LEFT_OUT: Record<LeftOut, string> = {
  tagged: "excluded by a tag",
  both: "in both arms",
  "git-unknown": "unknown to git",
  unmatched: "in neither arm",
  repeat: "later sessions of a unit",
  unsettled: "not settled yet",
  missing: "without an outcome",
};

function countsText<Name extends string>(
  counts: Readonly<Partial<Record<Name, number>>>,
  words: Record<Name, string>,
): string {
  const told = (Object.entries(counts) as [Name, number][]).map(([name, n]) => `${count(n)} ${words[name]}`);
  return told.length === 0 ? "none" : listed(told);
}

/** What put sessions into arms: "12 by tag and 300 by git". */
export const placedText = ({ placed }: Pick<StudyNumbers, "placed">): string => countsText(placed, PLACED);

/** Why sessions are in no arm's numbers: "3 in both arms and 40 in neither arm". */
export const leftOutText = ({ leftOut }: Pick<StudyNumbers, "leftOut">): string =>
  countsText(leftOut, LEFT_OUT);

/** What may be wrong with the comparison, with its number. */
export function cautionText({ what, value }: Caution): string {
  if (what === "time")
    return `The arms are of different times: only ${percent(value, 0)} of the comparison is of sessions of the same time. What changed in between is in the difference.`;
  if (what === "few") return `Few sessions: the smaller arm has ${plural(value, "unit")}.`;
  if (what === "left-out") return `${percent(value, 0)} of the sessions are in no arm's numbers.`;
  return `git could tell nothing of ${plural(value, "session")} that ${value === 1 ? "names" : "name"} a commit.`;
}

/** "+4.2 points (-1.0 to +9.3)"; "-" where there is none. */
export function differenceText(
  difference: number | null,
  interval: readonly [number, number] | null,
): string {
  if (difference === null || interval === null) return "-";
  const [low, high] = interval.map((end) => signedPoints(end).replace(/ points$/, ""));
  return `${signedPoints(difference)} (${low} to ${high})`;
}

/** The difference among sessions of the same time. */
export function sameTimeText({ time }: Pick<StudyNumbers, "time">): string {
  if (time === null) return "-";
  if (time.difference === null) return "none: no time has sessions of both arms";
  return `${differenceText(time.difference, time.differenceInterval)}, ${percent(time.overlap, 0)} of the comparison`;
}

const armText = (place: number): string => (place === 0 ? "champion" : `challenger ${place}`);

const mapText = (map: Readonly<Record<string, number>>): string =>
  Object.entries(map)
    .map(([value, place]) => `${value} ${armText(place)}`)
    .join(", ");

/** What gives sessions their arms in the place of chance. */
export function assignText(assign: Assign): string {
  if (assign.by === "fixed") return `not randomised: everyone gets ${armText(assign.arm)}`;
  if (assign.by === "round-robin") return "not randomised: in turns, by process";
  const by = assign.by === "group" ? "by group" : `by ${assign.field}`;
  return `not randomised: ${by} (${mapText(assign.map)}; else champion)`;
}

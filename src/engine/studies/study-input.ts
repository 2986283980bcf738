/**
 * A study as it is asked for, checked.
 */
import { createPolicy, type MetricPolicy } from "../../core/decision/policy.js";
import { DethroneError, isDethroneError, received } from "../../core/errors.js";
import type { ArmMarks, StudyRules } from "../../core/studies/classification.js";
import { refuseUnknown } from "../experiments/challenge-plan.js";
import { isText, timeMs } from "../experiments/description.js";
import { requireConfig } from "../experiments/lookup.js";
import type { Store, StudyTerms } from "../ports.js";

/** What stands for each arm: a text, or several. */
type Marks = ArmMarks<string | readonly string[]>;

/** How a study is made. */
export interface StudyInput {
  /** what is expected, and why */
  readonly hypothesis?: string | null | undefined;
  /** by a field of the sessions' context: the values of each arm, as text */
  readonly field?: ({ readonly name: string } & Marks) | undefined;
  /** by the config: labels, hashes (or their beginnings) of each arm, or fingerprints that the sessions' contexts name */
  readonly config?: Marks | undefined;
  /** by the commit in the sessions' context: a revision (branch, tag, commit) for each arm */
  readonly git?: ArmMarks<string> | undefined;
  /** which way a metric is better: `{ cost_usd: "lower" }`, or all that a policy says of one */
  readonly metrics?: Readonly<Record<string, MetricPolicy["direction"] | Partial<MetricPolicy>>> | undefined;
  /** sessions started at or after: a Date, milliseconds, or a text such as 2026-12-01T09:00:00Z; default: all */
  readonly since?: Date | number | string | null | undefined;
  /** sessions started before; default: all */
  readonly until?: Date | number | string | null | undefined;
}

const INPUT_NAMES = ["hypothesis", "field", "config", "git", "metrics", "since", "until", "actor"];
const NAME_LENGTH_MAX = 100;
const TEXT_LENGTH_MAX = 10_000;
const MARK_LENGTH_MAX = 200;
const MARKS_MAX = 100;
/** A fingerprint that no config of the project has: of sessions whose configs are not stored here. */
const FINGERPRINT = /^[0-9a-f]{16,128}$/i;
/** Neither an option nor several words, nor what git reads as a range or a path. */
const REVISION = /^(?!-)(?!.*\.\.)[^\s:\p{Cc}]{1,200}$/u;

function invalid(field: string, value: unknown, allowed: string): never {
  throw new DethroneError("input_invalid", `${field} must be ${allowed}.`, {
    field,
    received: received(value),
    allowed,
  });
}

/** @throws DethroneError `input_invalid` */
function checkStudyName(name: unknown): asserts name is string {
  if (!isText(name, NAME_LENGTH_MAX)) invalid("name", name, `a text of 1 to ${NAME_LENGTH_MAX} characters`);
}

function textsOf(field: string, value: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isFine =
    texts.length > 0 && texts.length <= MARKS_MAX && texts.every((each) => isText(each, MARK_LENGTH_MAX));
  if (!isFine)
    invalid(field, value, `a text of 1 to ${MARK_LENGTH_MAX} characters, or a list of 1 to ${MARKS_MAX}`);
  return [...new Set(texts as readonly string[])];
}

/** What stands for each arm, and none of it for both. */
function marksOf(field: string, input: unknown): ArmMarks<readonly string[]> {
  const { champion, challenger } = (input ?? {}) as Partial<Marks>;
  const marks = {
    champion: textsOf(`${field}.champion`, champion),
    challenger: textsOf(`${field}.challenger`, challenger),
  };
  refuseShared(field, marks);
  return marks;
}

function refuseShared(field: string, { champion, challenger }: ArmMarks<readonly string[]>): void {
  const both = champion.find((each) => challenger.includes(each));
  if (both !== undefined) invalid(`${field}.challenger`, both, "another one than the champion's");
}

function gitOf({ champion, challenger }: Partial<ArmMarks<unknown>>): StudyRules["git"] {
  for (const [arm, revision] of Object.entries({ champion, challenger })) {
    if (typeof revision !== "string" || !REVISION.test(revision))
      invalid(`git.${arm}`, revision, "a branch, a tag or a commit: one word that does not begin with '-'");
  }
  if (champion === challenger) invalid("git.challenger", challenger, "another revision than the champion's");
  return { champion: champion as string, challenger: challenger as string };
}

/** Hashes of the configs that are meant. @throws DethroneError `config_not_found` */
async function hashesOf(
  store: Store,
  projectId: number,
  refs: readonly string[],
): Promise<readonly string[]> {
  const hashes: string[] = [];
  for (const ref of refs) {
    const hash = await requireConfig(store, projectId, ref).then(
      (config) => config.hash,
      (error: unknown) => {
        if (isDethroneError(error) && error.code === "config_not_found" && FINGERPRINT.test(ref)) return ref;
        throw error;
      },
    );
    hashes.push(hash);
  }
  return hashes;
}

async function configOf(store: Store, projectId: number, input: unknown): Promise<StudyRules["config"]> {
  const { champion, challenger } = marksOf("config", input);
  const marks = {
    champion: await hashesOf(store, projectId, champion),
    challenger: await hashesOf(store, projectId, challenger),
  };
  refuseShared("config", marks);
  return marks;
}

function fieldRule(input: Partial<NonNullable<StudyInput["field"]>>): StudyRules["field"] {
  const { name } = input;
  if (!isText(name, MARK_LENGTH_MAX))
    return invalid("field.name", name, "the name of a field of the sessions' context");
  return { name, ...marksOf("field", input) };
}

function metricsOf(input: StudyInput["metrics"] = {}): StudyTerms["metrics"] {
  const metrics = Object.fromEntries(
    Object.entries(input).map(([name, metric]) => [
      name,
      typeof metric === "string" ? { direction: metric } : metric,
    ]),
  );
  // Checked where policies are.
  createPolicy({ metrics });
  return metrics;
}

/** The last time that a calendar has. */
const TIME_MAX_MS = 8.64e15;

function boundOf(field: "since" | "until", { [field]: time }: StudyInput): number | null {
  if (time === undefined || time === null) return null;
  const ms = timeMs(field, time);
  return ms <= TIME_MAX_MS ? ms : invalid(field, time, `at most ${TIME_MAX_MS}`);
}

function windowOf(input: StudyInput): Pick<StudyTerms, "sinceMs" | "untilMs"> {
  const [sinceMs, untilMs] = [boundOf("since", input), boundOf("until", input)];
  if (sinceMs !== null && untilMs !== null && untilMs <= sinceMs)
    invalid("until", input.until, "later than since");
  return { sinceMs, untilMs };
}

/**
 * A study, checked.
 *
 * @throws DethroneError `input_invalid`, `settings_invalid`, `policy_invalid`, `config_not_found`
 */
export async function studyTerms(
  store: Store,
  projectId: number,
  name: unknown,
  input: StudyInput,
): Promise<StudyTerms> {
  checkStudyName(name);
  refuseUnknown(input, INPUT_NAMES);
  const { hypothesis = null, field, config, git } = input;
  if (hypothesis !== null && !isText(hypothesis, TEXT_LENGTH_MAX))
    invalid("hypothesis", hypothesis, `a text of 1 to ${TEXT_LENGTH_MAX} characters`);
  return {
    name,
    hypothesis,
    rules: {
      field: field === undefined ? null : fieldRule(field ?? {}),
      config: config === undefined ? null : await configOf(store, projectId, config),
      git: git === undefined ? null : gitOf(git ?? {}),
    },
    metrics: metricsOf(input.metrics),
    ...windowOf(input),
  };
}

/**
 * Which arm of a study a session belongs to, by what is known of it afterwards.
 *
 * Nobody was randomised: whatever differs between the sessions of two arms is in their difference.
 */
import type { Role } from "../decision/evidence.js";
import type { Json, JsonObject } from "../errors.js";
import { fieldOf } from "../json-field.js";

/** What stands for each arm. */
export interface ArmMarks<Mark> {
  readonly champion: Mark;
  readonly challenger: Mark;
}

/** How sessions are put into arms. A tag by hand beats the field, the field the config, and the config git. */
export interface StudyRules {
  /** by a field of the context: its values as text, any of a list; null for no such rule */
  readonly field: ({ readonly name: string } & ArmMarks<readonly string[]>) | null;
  /** by the config's hash, or by the context's field `configFingerprint` where that is a text */
  readonly config: ArmMarks<readonly string[]> | null;
  /**
   * by the context's field `commit`: the arm of the revision that it is an ancestor of, or equal to. A commit behind
   * both is excluded, unless one revision is itself behind the other: then it belongs to the earlier one, as in
   * `git log champion..challenger`
   */
  readonly git: ArmMarks<string> | null;
}

/** An arm given by hand, or the word that the session belongs to neither. */
export type StudyTag = Role | "excluded";

/** What made a session belong to an arm: a tag, one of the rules, or the rule of an experiment that gave it the arm. */
export type Placer = "tag" | "field" | "config" | "git" | "assign";

/** Why a session belongs to no arm. */
export type Misfit =
  /** a person said so */
  | "tagged"
  /** one rule puts it into both arms */
  | "both"
  /** git knows nothing of its commit, or could not be asked */
  | "git-unknown"
  /** no rule says anything of it */
  | "unmatched";

/** Where a session belongs. */
export type Classification =
  | { readonly arm: Role; readonly by: Placer }
  | { readonly arm: null; readonly excluded: Misfit };

/** Whether a commit is an ancestor of each arm's revision, or equal to it. */
export type AncestryAnswer = ArmMarks<boolean>;

/** What git says of the commits of a study's sessions. */
export interface Ancestry {
  /** by the commit as the session names it; what is not in it is unknown */
  readonly answers: ReadonlyMap<string, AncestryAnswer>;
  /** the arm whose revision is an ancestor of the other's; null where neither is */
  readonly earlier: Role | null;
}

/** What is known of a session. */
export interface ClassifiedSession {
  /** hash of its config */
  readonly config: string;
  readonly context: JsonObject | null;
  /** given by hand; null where nobody has */
  readonly tag: StudyTag | null;
}

/** What one rule says of a session; null where it says nothing. */
type Answer = Role | "both" | "git-unknown" | null;

/** A value as a rule names it: a text as it is, a number or boolean as JSON writes it. */
function textsOf(field: Json | undefined): readonly string[] {
  if (Array.isArray(field)) return field.flatMap((each) => (Array.isArray(each) ? [] : textsOf(each)));
  if (typeof field === "string") return [field];
  return typeof field === "number" || typeof field === "boolean" ? [String(field)] : [];
}

function answerOf(isChampion: boolean, isChallenger: boolean): Answer {
  if (isChampion && isChallenger) return "both";
  if (isChampion) return "champion";
  return isChallenger ? "challenger" : null;
}

function byMarks({ champion, challenger }: ArmMarks<readonly string[]>, texts: readonly string[]): Answer {
  const isAmong = (marks: readonly string[]): boolean => texts.some((text) => marks.includes(text));
  return answerOf(isAmong(champion), isAmong(challenger));
}

function textField(context: JsonObject | null, name: string): string | null {
  const field = context === null ? undefined : fieldOf(context, name);
  return typeof field === "string" && field !== "" ? field : null;
}

/** The commit a session ran on, as its context names it; null where it names none. */
export function commitOf({ context }: Pick<ClassifiedSession, "context">): string | null {
  return textField(context, "commit");
}

function byGit(session: ClassifiedSession, ancestry: Ancestry | null): Answer {
  const commit = commitOf(session);
  if (commit === null) return null;
  const answer = ancestry?.answers.get(commit);
  if (!answer) return "git-unknown";
  const { champion, challenger } = answer;
  return champion && challenger ? (ancestry?.earlier ?? "both") : answerOf(champion, challenger);
}

function answers(
  { field, config, git }: StudyRules,
  session: ClassifiedSession,
  ancestry: Ancestry | null,
): readonly (readonly [Placer, Answer])[] {
  const { context } = session;
  const fingerprint = textField(context, "configFingerprint") ?? session.config;
  return [
    ["field", field && byMarks(field, textsOf(context === null ? undefined : fieldOf(context, field.name)))],
    ["config", config && byMarks(config, [fingerprint])],
    ["git", git && byGit(session, ancestry)],
  ];
}

/**
 * The arm a session belongs to: by its tag, else by the first rule that says anything of it, in the order field, config,
 * git.
 *
 * @param ancestry null where git has not been asked: what its rule would have to tell is unknown
 * @example
 * const rules = { field: { name: "plan", champion: ["free"], challenger: ["pro"] }, config: null, git: null };
 * classify(rules, { config: "c0ffee", context: { plan: "pro" }, tag: null }, null); // { arm: "challenger", by: "field" }
 * classify(rules, { config: "c0ffee", context: { plan: "pro" }, tag: "champion" }, null); // { arm: "champion", by: "tag" }
 */
export function classify(
  rules: StudyRules,
  session: ClassifiedSession,
  ancestry: Ancestry | null,
): Classification {
  const { tag } = session;
  if (tag === "excluded") return { arm: null, excluded: "tagged" };
  if (tag !== null) return { arm: tag, by: "tag" };
  for (const [by, answer] of answers(rules, session, ancestry)) {
    if (answer === "both" || answer === "git-unknown") return { arm: null, excluded: answer };
    if (answer !== null) return { arm: answer, by };
  }
  return { arm: null, excluded: "unmatched" };
}

/**
 * Stored sessions as a study sees them: read a page at a time, classified, and compared.
 */
import { createPolicy } from "../../core/decision/policy.js";
import { type Ancestry, classify, commitOf, type StudyRules } from "../../core/studies/classification.js";
import { RunningStudy, type StudyNumbers } from "../../core/studies/study.js";
import { breathe, inParts } from "../breathe.js";
import type {
  GitFacts,
  Store,
  StoredExperiment,
  StoredStudy,
  StudyFindings,
  StudyRow,
  TaggedRow,
} from "../ports.js";

/** Rows between two breaths: some 5 milliseconds. */
const PAGE = 250;

/** What git is asked about a study. */
export interface GitQuestion {
  readonly champion: string;
  readonly challenger: string;
  /** commits as sessions name them, each once: any text */
  readonly commits: readonly string[];
}

/** What git answers; where it cannot be asked, that is told in the facts, and every commit is unknown. */
export interface GitAnswer {
  readonly facts: GitFacts;
  readonly ancestry: Ancestry | null;
}

/** Asks git. Never rejects for what git cannot tell. */
export type AskGit = (question: GitQuestion) => Promise<GitAnswer>;

const NOT_ASKED =
  "git was not asked: it knows the commits where the repository is. Run 'dethrone study report' there, or give the report a way to ask";

/** The answer where git could not be asked at all. */
export function unanswered(git: NonNullable<StudyRules["git"]>, problem: string): GitAnswer {
  const { champion, challenger } = git;
  const unresolved = (revision: string) => ({ revision, commit: null });
  const facts = { champion: unresolved(champion), challenger: unresolved(challenger), problem };
  return { facts, ancestry: null };
}

/** All pages of rows, in order. */
async function* pagesOf<Row extends StudyRow>(
  read: (page: { readonly afterSeq: number; readonly limit: number }) => Promise<Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let afterSeq = 0; ; ) {
    const page = await read({ afterSeq, limit: PAGE });
    yield page;
    if (page.length < PAGE) return;
    await breathe();
    afterSeq = page.at(-1)?.seq ?? afterSeq;
  }
}

const sessionsOf = (store: Store, study: StoredStudy): AsyncGenerator<readonly TaggedRow[]> =>
  pagesOf((page) => store.studies.sessions({ study, ...page }));

/** What git says of the commits of a study's sessions, asked once for all; null without a rule by git. */
async function gitAnswer(store: Store, study: StoredStudy, askGit: AskGit | null): Promise<GitAnswer | null> {
  const { git } = study.rules;
  if (git === null) return null;
  if (askGit === null) return unanswered(git, NOT_ASKED);
  const commits = new Set<string>();
  for await (const page of sessionsOf(store, study)) {
    for (const row of page) commits.add(commitOf(row) ?? "");
  }
  commits.delete("");
  return askGit({ ...git, commits: [...commits] });
}

/** The key with the highest count; of equal ones the first. */
function mostFrequent(counts: ReadonlyMap<string, number>): string | null {
  let most: readonly [string | null, number] = [null, 0];
  for (const entry of counts) if (entry[1] > most[1]) most = entry;
  return most[0];
}

/** What a study finds in the sessions as they are stored now. */
export async function observe(
  store: Store,
  study: StoredStudy,
  { askGit, atMs }: { readonly askGit: AskGit | null; readonly atMs: number },
): Promise<StudyFindings> {
  const answer = await gitAnswer(store, study, askGit);
  const running = new RunningStudy(createPolicy({ metrics: study.metrics }));
  const configs = new Map<string, number>();
  for await (const page of sessionsOf(store, study)) {
    for (const row of page) {
      const classification = classify(study.rules, row, answer?.ancestry ?? null);
      running.add(classification, row);
      if (classification.arm === "challenger") configs.set(row.config, (configs.get(row.config) ?? 0) + 1);
    }
  }
  const numbers = await inParts(running.numbers());
  return { numbers, git: answer?.facts ?? null, challengerConfig: mostFrequent(configs), atMs };
}

/**
 * What was observed of an experiment in which a rule gives sessions their arms: each challenger beside the champion; null
 * where chance does.
 */
export async function observeExperiment(
  store: Store,
  { id, assign, arms, policy }: StoredExperiment,
): Promise<readonly StudyNumbers[] | null> {
  if (assign === null) return null;
  const pairs = arms.slice(1).map(() => new RunningStudy(policy));
  for await (const page of pagesOf((each) => store.studies.assignedSessions({ experimentId: id, ...each }))) {
    for (const row of page) {
      if (row.arm === 0) for (const pair of pairs) pair.add({ arm: "champion", by: "assign" }, row);
      else pairs[row.arm - 1]?.add({ arm: "challenger", by: "assign" }, row);
    }
  }
  const numbers: StudyNumbers[] = [];
  for (const pair of pairs) numbers.push(await inParts(pair.numbers()));
  return numbers;
}

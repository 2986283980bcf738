/**
 * What git says of the commits that sessions ran on: four processes for a study, however many sessions and commits.
 *
 * Everything a person or a session has named goes to git on its standard input, never as an argument, so none of it is
 * taken for an option.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Role } from "./core/decision/evidence.js";
import type { AncestryAnswer } from "./core/studies/classification.js";
import { type AskGit, type GitAnswer, type GitQuestion, unanswered } from "./engine/studies/observe.js";

/** Where git is asked, and for how long. */
export interface GitAncestryOptions {
  /** a folder of the repository; default: the working directory */
  readonly repo?: string | undefined;
  /** longest time for each of the four processes, in milliseconds; default 30,000 */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 30_000;
const COMMIT = /^[0-9a-f]{4,64}$/i;
const STDERR_LENGTH_MAX = 300;

const ENVIRONMENT = {
  LC_ALL: "C",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1",
};

/** Git could not tell, and why. */
class GitProblem extends Error {}

type Settings = Required<{ [Key in keyof GitAncestryOptions]: NonNullable<GitAncestryOptions[Key]> }>;

/** Runs git, line by line; its answer may be as long as the history. @throws GitProblem */
async function git(
  { repo, timeoutMs }: Settings,
  args: readonly string[],
  input: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  const child = spawn("git", ["-C", repo, "--no-replace-objects", ...args], {
    env: { ...process.env, ...ENVIRONMENT },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, STDERR_LENGTH_MAX);
  });
  // Why git stopped reading is in how it ended.
  child.stdin.on("error", () => undefined).end(input.map((line) => `${line}\n`).join(""));
  const lines = createInterface({ input: child.stdout }).on("line", onLine);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) => reject(new GitProblem(`git could not be run (${error.message})`)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else if (signal === "SIGKILL") reject(new GitProblem(`git took longer than ${timeoutMs} ms`));
      else reject(new GitProblem(said.trim().split("\n")[0] || `git ended with code ${code}`));
    });
  });
  await ended.finally(() => lines.close());
}

async function linesOf(
  settings: Settings,
  args: readonly string[],
  input: readonly string[],
): Promise<string[]> {
  const lines: string[] = [];
  await git(settings, args, input, (line) => lines.push(line));
  return lines;
}

/** Full ids of commits by what they are called; what is no commit, or could be several, is null. */
async function resolved(settings: Settings, names: readonly string[]): Promise<readonly (string | null)[]> {
  const asked = names.map((name) => `${name}^{commit}`);
  const lines = await linesOf(settings, ["cat-file", "--batch-check=%(objecttype) %(objectname)"], asked);
  return lines.map((line) => /^commit ([0-9a-f]{40,64})$/.exec(line)?.[1] ?? null);
}

/** Those of some commits that are neither ancestors of a tip nor the tip. */
async function beyond(
  settings: Settings,
  tip: string,
  commits: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  await git(settings, ["rev-list", "--stdin"], [...commits, `^${tip}`], (line) => {
    if (commits.has(line)) found.add(line);
  });
  return found;
}

/** A history that is cut off would deny ancestors it does not have. @throws GitProblem */
async function requireWhole(settings: Settings): Promise<void> {
  const [answer] = await linesOf(settings, ["rev-parse", "--is-shallow-repository"], []);
  if (answer !== "false")
    throw new GitProblem("the repository is a shallow clone; fetch its history with 'git fetch --unshallow'");
}

async function ask(settings: Settings, { champion, challenger, commits }: GitQuestion): Promise<GitAnswer> {
  await requireWhole(settings);
  const named = commits.filter((commit) => COMMIT.test(commit));
  const [left, right, ...ids] = await resolved(settings, [champion, challenger, ...named]);
  const missing = [...(left ? [] : [champion]), ...(right ? [] : [challenger])];
  if (!left || !right) throw new GitProblem(`the repository has no commit '${missing.join("', '")}'`);
  if (left === right) throw new GitProblem(`'${champion}' and '${challenger}' are the same commit`);
  const all = new Set([left, right, ...ids.filter((id) => id !== null)]);
  const [beyondLeft, beyondRight] = [await beyond(settings, left, all), await beyond(settings, right, all)];
  const answerOf = (id: string): AncestryAnswer => ({
    champion: !beyondLeft.has(id),
    challenger: !beyondRight.has(id),
  });
  const earlier: Role | null = answerOf(left).challenger
    ? "champion"
    : answerOf(right).champion
      ? "challenger"
      : null;
  const answers = named.flatMap((name, index) => {
    const id = ids[index];
    return id ? [[name, answerOf(id)] as const] : [];
  });
  const facts = {
    champion: { revision: champion, commit: left },
    challenger: { revision: challenger, commit: right },
    problem: null,
  };
  return { facts, ancestry: { answers: new Map(answers), earlier } };
}

/**
 * Asks a repository's git which commits belong to which revision, for studies that go by git.
 *
 * A commit belongs to a revision that it is an ancestor of, or equal to (`git merge-base --is-ancestor`). What git cannot
 * tell (no repository, no such revision, a shallow clone, too slow) is told as a problem, and never as a "no".
 *
 * @example
 * const report = await engine.studies.report("support", "brief-prompt", { git: gitAncestry({ repo: "." }) });
 */
export function gitAncestry(options: GitAncestryOptions = {}): AskGit {
  const { repo = ".", timeoutMs = TIMEOUT_MS } = options;
  return async (question) => {
    try {
      return await ask({ repo, timeoutMs }, question);
    } catch (error) {
      if (error instanceof GitProblem) return unanswered(question, error.message);
      throw error;
    }
  };
}

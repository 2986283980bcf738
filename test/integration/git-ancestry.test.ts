import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { gitAncestry } from "../../src/index.js";
import { temporaryFolder } from "../support/temporary.js";

const IDENTITY = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};

let repo: string;

function git(...args: string[]): string {
  const env = { ...process.env, ...IDENTITY };
  return execFileSync("git", args, { cwd: repo, env, encoding: "utf8", stdio: "pipe" }).trim();
}

function commit(name: string): string {
  git("commit", "-q", "--allow-empty", "-m", name);
  return git("rev-parse", "HEAD");
}

/** `base` on both branches, then one commit on `main` and one on `brief`. */
function diverged() {
  git("init", "-q", "-b", "main");
  const base = commit("base");
  git("checkout", "-q", "-b", "brief");
  const brief = commit("brief");
  git("checkout", "-q", "main");
  return { base, brief, main: commit("main") };
}

const ask = (champion: string, challenger: string, commits: readonly string[], from = repo) =>
  gitAncestry({ repo: from })({ champion, challenger, commits });

beforeEach(() => {
  repo = temporaryFolder();
});

describe("what git says of commits", () => {
  it("is which revision each is an ancestor of, itself included", async () => {
    const { base, brief, main } = diverged();
    const { facts, ancestry } = await ask("main", "brief", [base, brief, main, brief.slice(0, 8)]);
    expect(facts).toEqual({
      champion: { revision: "main", commit: main },
      challenger: { revision: "brief", commit: brief },
      problem: null,
    });
    expect(Object.fromEntries(ancestry?.answers ?? [])).toEqual({
      [base]: { champion: true, challenger: true },
      [brief]: { champion: false, challenger: true },
      [brief.slice(0, 8)]: { champion: false, challenger: true },
      [main]: { champion: true, challenger: false },
    });
    expect(ancestry?.earlier).toBeNull();
  });

  it("is which revision is behind the other, in a straight history", async () => {
    const { base, main } = diverged();
    expect((await ask(base, "main", [base])).ancestry?.earlier).toBe("champion");
    expect((await ask("main", base, [base])).ancestry?.earlier).toBe("challenger");
    const later = (await ask(base, "main", [main])).ancestry?.answers.get(main);
    expect(later).toEqual({ champion: false, challenger: true });
  });

  it("agrees with git merge-base --is-ancestor on a history of merges", async () => {
    git("init", "-q", "-b", "main");
    const all = [commit("0")];
    for (let i = 1; i < 24; i += 1) {
      if (i % 5 === 1) git("checkout", "-q", "-b", `b${i}`, all[Math.floor(i / 2)] as string);
      if (i % 7 === 3) {
        const other = all[i - 1] as string;
        git("checkout", "-q", "main");
        git("merge", "-q", "--no-ff", "-m", `merge ${i}`, other);
        all.push(git("rev-parse", "HEAD"));
      } else all.push(commit(String(i)));
    }
    const isAncestor = (id: string, tip: string): boolean => {
      try {
        git("merge-base", "--is-ancestor", id, tip);
        return true;
      } catch {
        return false;
      }
    };
    const { ancestry } = await ask("main", "b16", all);
    const truth = all.map((id) => [
      id,
      { champion: isAncestor(id, "main"), challenger: isAncestor(id, "b16") },
    ]);
    expect(Object.fromEntries(ancestry?.answers ?? [])).toEqual(Object.fromEntries(truth));
  });

  it("leaves out what is no commit, and what nobody can know", async () => {
    const { main } = diverged();
    const strange = ["deadbeef".repeat(5), "HEAD", "--all", "main", "$(touch x)", "a\nb", ""];
    const { facts, ancestry } = await ask("main", "brief", [main, ...strange]);
    expect(facts.problem).toBeNull();
    expect([...(ancestry?.answers.keys() ?? [])]).toEqual([main]);
  });

  it("is unknown, with why, and never a no, where git cannot tell", async () => {
    const { base, main } = diverged();
    const problems = [
      await ask("main", "nowhere", [base]),
      await ask("main", "brief", [base], temporaryFolder()),
      await ask("main", main, [base]),
      await ask("main", "brief", [base], join(repo, "gone")),
    ];
    expect(problems.map(({ ancestry }) => ancestry)).toEqual([null, null, null, null]);
    expect(problems.map(({ facts }) => facts.problem)).toEqual([
      "the repository has no commit 'nowhere'",
      expect.stringContaining("not a git repository"),
      `'main' and '${main}' are the same commit`,
      expect.stringContaining("gone"),
    ]);
    expect(problems[0]?.facts.champion).toEqual({ revision: "main", commit: null });
  });

  it("is unknown in a shallow clone, whose history is cut off", async () => {
    const { base } = diverged();
    const clone = join(temporaryFolder(), "clone");
    git("clone", "-q", "--depth", "1", "--no-single-branch", pathToFileURL(repo).href, clone);
    const { facts } = await ask("origin/main", "origin/brief", [base], clone);
    expect(facts.problem).toContain("shallow");
  });

  it("takes no revision for an option", async () => {
    diverged();
    const target = join(repo, "written");
    const { facts } = await ask(`--output=${target}`, "brief", []);
    expect(facts.problem).toContain("no commit");
    expect(existsSync(target)).toBe(false);
  });
});

describe("asking git", () => {
  /** A `git` on the path that does this. */
  function standIn(script: string): void {
    const bin = join(temporaryFolder(), "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "git"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, "git"), 0o755);
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
  }

  it("takes a few processes, however many commits there are", async () => {
    diverged();
    const all = Array.from({ length: 60 }, (_, i) => commit(String(i)));
    const log = join(temporaryFolder(), "log");
    standIn(`echo run >> ${log}; exec ${execFileSync("which", ["git"], { encoding: "utf8" }).trim()} "$@"`);
    const { ancestry } = await ask("main", "brief", all);
    vi.unstubAllEnvs();
    expect(ancestry?.answers.size).toBe(60);
    expect(readFileSync(log, "utf8").trim().split("\n")).toHaveLength(4);
  });

  it("gives up on a git that takes too long", async () => {
    standIn("exec sleep 30");
    const { facts } = await gitAncestry({ repo, timeoutMs: 50 })({
      ...{ champion: "main", challenger: "brief", commits: [] },
    });
    vi.unstubAllEnvs();
    expect(facts.problem).toBe("git took longer than 50 ms");
  });

  it("tells that there is no git", async () => {
    vi.stubEnv("PATH", temporaryFolder());
    const { facts } = await ask("main", "brief", []);
    vi.unstubAllEnvs();
    expect(facts.problem).toContain("could not be run");
  });
});

import { describe, expect, it } from "vitest";
import {
  type Ancestry,
  type ClassifiedSession,
  classify,
  commitOf,
  type StudyRules,
} from "../../../../src/core/studies/classification.js";

const NONE: StudyRules = { field: null, config: null, git: null };
const GIT: StudyRules = { ...NONE, git: { champion: "main", challenger: "brief" } };

const session = (more: Partial<ClassifiedSession> = {}): ClassifiedSession => ({
  config: "c0ffee",
  context: null,
  tag: null,
  ...more,
});

const at = (commit: string): ClassifiedSession => session({ context: { commit } });

/** What git says of four commits: in one revision, in the other, in both, in neither. */
const ancestry = (earlier: Ancestry["earlier"] = null): Ancestry => ({
  answers: new Map([
    ["a1", { champion: true, challenger: false }],
    ["b1", { champion: false, challenger: true }],
    ["base", { champion: true, challenger: true }],
    ["other", { champion: false, challenger: false }],
  ]),
  earlier,
});

const excluded = (reason: string) => ({ arm: null, excluded: reason });

describe("a session's arm by git", () => {
  it("is that of the one revision its commit is an ancestor of; both, neither and unknown are excluded", () => {
    expect(classify(GIT, at("a1"), ancestry())).toEqual({ arm: "champion", by: "git" });
    expect(classify(GIT, at("b1"), ancestry())).toEqual({ arm: "challenger", by: "git" });
    expect(classify(GIT, at("base"), ancestry())).toEqual(excluded("both"));
    expect(classify(GIT, at("other"), ancestry())).toEqual(excluded("unmatched"));
    expect(classify(GIT, at("gone"), ancestry())).toEqual(excluded("git-unknown"));
  });

  it("is that of the earlier revision where one is behind the other, so that a straight history has both arms", () => {
    expect(classify(GIT, at("base"), ancestry("champion"))).toEqual({ arm: "champion", by: "git" });
    expect(classify(GIT, at("base"), ancestry("challenger"))).toEqual({ arm: "challenger", by: "git" });
    expect(classify(GIT, at("b1"), ancestry("champion"))).toEqual({ arm: "challenger", by: "git" });
  });

  it("is unknown, and not none, where git was not asked", () => {
    expect(classify(GIT, at("a1"), null)).toEqual(excluded("git-unknown"));
    expect(classify(GIT, session(), null)).toEqual(excluded("unmatched"));
  });

  it("asks for a commit that is a text", () => {
    expect(commitOf(at("a1"))).toBe("a1");
    expect(commitOf(session({ context: { commit: 7 } }))).toBeNull();
    expect(commitOf(session({ context: { commit: "" } }))).toBeNull();
    expect(commitOf(session())).toBeNull();
  });
});

describe("a session's arm by a field", () => {
  const rules: StudyRules = {
    ...NONE,
    field: { name: "user.plan", champion: ["free", "1"], challenger: ["pro", "true"] },
  };
  const plan = (value: unknown) => session({ context: { user: { plan: value } } as never });

  it("is by the value as text, or by any text, number or boolean of a list", () => {
    const armOf = (value: unknown) => classify(rules, plan(value), null).arm;
    expect([armOf("free"), armOf(1), armOf("pro"), armOf(true)]).toEqual([
      "champion",
      "champion",
      "challenger",
      "challenger",
    ]);
    expect([armOf(["x", "pro"]), armOf([1, ["pro"]])]).toEqual(["challenger", "champion"]);
  });

  it("is none by any other value, and none by values of both arms", () => {
    expect(classify(rules, plan("team"), null)).toEqual(excluded("unmatched"));
    expect(classify(rules, plan({ free: 1 }), null)).toEqual(excluded("unmatched"));
    expect(classify(rules, plan(["free", "pro"]), null)).toEqual(excluded("both"));
    expect(classify(rules, session(), null)).toEqual(excluded("unmatched"));
  });
});

describe("a session's arm by its config", () => {
  const rules: StudyRules = { ...NONE, config: { champion: ["c0ffee"], challenger: ["deadbe"] } };

  it("is by the hash, exactly, or by the fingerprint its context names instead", () => {
    expect(classify(rules, session(), null)).toEqual({ arm: "champion", by: "config" });
    expect(classify(rules, session({ config: "deadbe" }), null)).toEqual({ arm: "challenger", by: "config" });
    expect(classify(rules, session({ config: "deadbeef" }), null)).toEqual(excluded("unmatched"));
    expect(classify(rules, session({ context: { configFingerprint: "deadbe" } }), null)).toEqual({
      arm: "challenger",
      by: "config",
    });
  });
});

describe("of several rules", () => {
  const ALL: StudyRules = {
    field: { name: "plan", champion: ["free"], challenger: ["pro"] },
    config: { champion: ["deadbe"], challenger: ["c0ffee"] },
    git: { champion: "main", challenger: "brief" },
  };
  const contradicted = { context: { plan: "free", commit: "b1" } };

  it("a tag beats the field, the field the config, the config git", () => {
    const by = (rules: StudyRules, tag: ClassifiedSession["tag"] = null) =>
      classify(rules, session({ ...contradicted, tag }), ancestry());
    expect(by(ALL, "challenger")).toEqual({ arm: "challenger", by: "tag" });
    expect(by(ALL)).toEqual({ arm: "champion", by: "field" });
    expect(by({ ...ALL, field: null })).toEqual({ arm: "challenger", by: "config" });
    expect(by(GIT)).toEqual({ arm: "challenger", by: "git" });
  });

  it("a tag that says neither excludes, whatever the rules say", () => {
    expect(classify(ALL, session({ ...contradicted, tag: "excluded" }), ancestry())).toEqual(
      excluded("tagged"),
    );
  });

  it("one that says nothing leaves it to the next; one that says both does not", () => {
    const silent = session({ config: "another", context: { plan: "team", commit: "b1" } });
    expect(classify(ALL, silent, ancestry())).toEqual({ arm: "challenger", by: "git" });
    const torn = session({ context: { plan: ["free", "pro"], commit: "b1" } });
    expect(classify(ALL, torn, ancestry())).toEqual(excluded("both"));
  });

  it("without any, tags alone form both arms", () => {
    expect(classify(NONE, session({ tag: "champion" }), null)).toEqual({ arm: "champion", by: "tag" });
    expect(classify(NONE, session(), null)).toEqual(excluded("unmatched"));
  });
});

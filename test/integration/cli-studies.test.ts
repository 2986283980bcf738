import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createEngine } from "../../src/index.js";
import { type CliProject, cliProject, widest } from "../support/cli-project.js";

let project: CliProject;

beforeEach(async () => {
  project = await cliProject();
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** A text on one line, wherever it is broken. */
const flat = (text: string): string => text.replace(/\s+/g, " ");

/** Sessions outside of experiments, of units whose plans take turns. */
const plain = (count: number): Promise<void> => project.sessions(count, { long: 0.5 });

const refused = async (...args: string[]) =>
  (await project.run(...args, "--json")).json<{ error: { code: string } }>().error.code;

describe("study", () => {
  it("is made, shown, listed, reported, concluded and put away", async () => {
    await plain(200);
    const flags = ["--field", "plan=free..pro,team", "--metric", "cost_usd:lower", "--since", "30d"];
    const made = await project.told(
      "study",
      "create",
      "support",
      "plans",
      ...flags,
      "--hypothesis",
      "pro is better",
    );
    expect(made).toContain("OBSERVATIONAL");
    expect(flat(made)).toContain("a tag by hand; else the field plan: free against pro or team");
    expect(await project.told("study", "show", "support", "plans")).toBe(made);
    expect(await project.told("study", "list", "support")).toMatch(/plans +running +field +\d{4}/);
    const report = await project.told("study", "report", "support", "plans");
    expect(report).toMatch(/champion +\d+ +\d+\.\d %/);
    expect(flat(report)).toContain("Observational: nobody was randomised.");
    expect(flat(report)).toContain("let it contend: dethrone challenge support --config FILE");
    expect(report).not.toContain("P(better)");
    expect(widest(report)).toBeLessThanOrEqual(100);
    const json = await project.json("study", "report", "support", "plans");
    expect(json).toMatchObject({ kind: "observational", status: "running", sessionCount: 200 });
    await project.told("study", "conclude", "support", "plans", "--reason", "done");
    await plain(50);
    const concluded = await project.json("study", "report", "support", "plans");
    expect(concluded).toMatchObject({ status: "concluded", sessionCount: 200 });
    expect(await project.told("study", "archive", "support", "plans", "--reason", "done")).toContain(
      "put away",
    );
    expect(await project.json("study", "list", "support")).toEqual({ project: "support", studies: [] });
    expect(await project.told("study", "list", "support")).toContain("dethrone study create support");
    expect(await project.told("study", "list", "support", "--archived")).toMatch(/plans +archived/);
    const history = await project.told("history", "support");
    for (const done of ["study plans created", "study plans concluded", "study plans put away"])
      expect(history).toContain(done);
  });

  it("offers the challenger's config as a command", async () => {
    await plain(40);
    await project.told("challenge", "support", "--set", "style=brief", "--label", "brief");
    await project.told("promote", "support", "--reason", "try it");
    await plain(40);
    const { champion } = await project.json<{ champion: { hash: string } }>("project", "show", "support");
    expect(champion.hash).toMatch(/^[0-9a-f]{64}$/);
    const configs = await project.json<{ configs: { hash: string; label: string | null }[] }>(
      "configs",
      "support",
    );
    const long = configs.configs.find(({ label }) => label === null)?.hash ?? "";
    await project.told("study", "create", "support", "back", "--config", `brief..${long.slice(0, 12)}`);
    const report = await project.told("study", "report", "support", "back");
    expect(flat(report)).toContain(`dethrone challenge support --set 'style="long"'`);
    expect(flat(report)).toContain("The arms are of different times: only 0 % of the comparison");
    expect(flat(report)).toContain("of the same time none: no time has sessions of both arms");
  });

  it("says what git could not tell, and reports all the same", async () => {
    const engine = await createEngine({ url: project.db, strict: true });
    const bot = await engine.project("support");
    await (await bot.session({ context: { commit: "abcd1234" } })).end({ score: 1 });
    await engine.close();
    await project.told("study", "create", "support", "commits", "--git", "main..brief");
    const report = await project.told("study", "report", "support", "commits", "--repo", project.folder);
    expect(flat(report)).toContain("! git could not tell: fatal: not a git repository");
    expect(flat(report)).toContain("git could tell nothing of 1 session that names a commit.");
    expect(
      await refused("study", "conclude", "support", "commits", "--repo", project.folder, "--reason", "x"),
    ).toBe("git_unavailable");
  });

  it.each([
    [["--field", "plan"], "usage_invalid"],
    [["--field", "plan=free"], "usage_invalid"],
    [["--git", "main...brief"], "usage_invalid"],
    [["--git", "--all..main"], "input_invalid"],
    [["--config", "a..b"], "config_not_found"],
    [["--metric", "cost"], "usage_invalid"],
    [["--since", "yesterday"], "usage_invalid"],
  ])("refuses %s", async (flags, code) => {
    expect(await refused("study", "create", "support", "x", ...flags)).toBe(code);
    expect(await project.json("study", "list", "support")).toMatchObject({ studies: [] });
  });

  it("that there is none of is told, with those there are", async () => {
    expect(await refused("study", "report", "support", "x")).toBe("study_not_found");
    await project.told("study", "create", "support", "x");
    expect(await refused("study", "create", "support", "x")).toBe("study_exists");
    expect((await project.run("study", "show", "support", "y")).err).toContain("Known: x.");
  });
});

it("tag gives a session an arm once", async () => {
  const engine = await createEngine({ url: project.db, strict: true });
  await (await (await engine.project("support")).session({ id: "one" })).end({ score: 1 });
  await engine.close();
  await project.told("study", "create", "support", "x");
  expect(await project.told("tag", "one", "x", "challenger")).toBe("one is the challenger's in study x.\n");
  expect(await project.told("tag", "one", "x", "challenger")).toBe(
    "one is the challenger's in study x already.\n",
  );
  expect(await project.json("tag", "one", "x", "challenger")).toEqual({
    ...{ session: "one", study: "x", arm: "challenger", status: "duplicate" },
  });
  expect(await refused("tag", "one", "x", "champion")).toBe("tag_conflict");
  expect(await refused("tag", "one", "x", "winner")).toBe("input_invalid");
  expect(await refused("tag", "two", "x", "champion")).toBe("session_not_found");
});

describe("challenge --assign", () => {
  const RULE = '{"by":"attribute","field":"plan","map":{"pro":"challenger"}}';

  it("is told as not randomised wherever it is told", async () => {
    const challenge = ["challenge", "support", "--set", "style=brief", "--assign", RULE];
    const dry = await project.told(...challenge, "--dry-run");
    expect(flat(dry)).toContain("not randomised: by plan (pro challenger 1; else champion)");
    expect(dry).not.toContain("can be expected to find");
    const started = await project.told(...challenge);
    expect(flat(started)).toContain("Nothing of it is evidence.");
    await project.sessions(60, { long: 0.2, brief: 0.9 });
    expect(await project.json("decide")).toMatchObject({ verdict: "continue", sessionCount: 0 });
    expect(await project.told("status")).toContain("running, not randomised");
    const report = await project.told("report", "support");
    expect(flat(report)).toContain("Observational: nobody was randomised.");
    expect(flat(report)).toContain("promotion by hand alone: nothing of it is evidence");
    expect(report).not.toContain("P(better)");
    expect(widest(report)).toBeLessThanOrEqual(100);
    expect(await project.told("project", "show", "support")).toContain("attribute");
    expect(await project.told("history", "support")).toMatch(/against \w+, not/);
    expect(await project.json("report", "support")).toMatchObject({
      ...{ assign: { by: "attribute", field: "plan", map: { pro: 1 } } },
      observed: [{ kind: "observational" }],
    });
  });

  it("takes a word for turns and for chance, and nothing that is no rule", async () => {
    const draft = ["challenge", "support", "--set", "style=brief", "--draft"];
    const { experiment } = await project.json<{ experiment: { id: string } }>(
      ...draft,
      "--assign",
      "round-robin",
    );
    expect(experiment).toMatchObject({ assign: { by: "round-robin" }, share: 0 });
    const edit = ["edit", "support", experiment.id, "--reason", "x"];
    const edited = await project.json(...edit, "--assign", "chance", "--share", "0.4");
    expect(edited).toMatchObject({ experiment: { assign: null, share: 0.4 } });
    expect(await refused(...draft, "--assign", "by plan")).toBe("usage_invalid");
    expect(await refused(...draft, "--assign", '{"by":"weather"}')).toBe("settings_invalid");
    expect(await refused(...draft, "--assign", "round-robin", "--share", "0.2")).toBe("settings_invalid");
  });
});

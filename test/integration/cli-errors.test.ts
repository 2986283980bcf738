import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { cli } from "../support/cli.js";
import { nodeProcess } from "../support/processes.js";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;

// One database for all: none of these may write to it.
const folder = mkdtempSync(join(tmpdir(), "dethrone-test-"));
const db = join(folder, "shared.db");

const client = createClient({ url: `file:${db}` });

/** All that a command could have written. */
async function standing(): Promise<unknown[]> {
  const tables = ["audit_log", "experiments", "arms", "project_configs", "overrides", "projects", "reigns"];
  const rows = await Promise.all(tables.map((table) => client.execute(`SELECT * FROM ${table}`)));
  return rows.map((result) => result.rows);
}

let before: unknown[] = [];
let ids: Record<string, string> = {};

beforeAll(async () => {
  const engine = await createEngine({ url: db, strict: true });
  const bot = await engine.project<{ a: number }>("support", { champion: { a: 1 } });
  const running = await bot.challenge([{ a: 2 }, { a: 3 }], { label: ["two", "three"] });
  const draft = await bot.draft({ a: 4 }, { label: "four" });
  ids = { RUNNING: running.experiment?.id ?? "", DRAFT: draft.experiment?.id ?? "" };
  await engine.close();
  for (const a of [5, 6]) writeFileSync(join(folder, `${a}.json`), JSON.stringify({ a }));
  writeFileSync(join(folder, "secret.json"), '{"password":"hunter2"}');
  ids.SECRET = join(folder, "secret.json");
  before = await standing();
});

afterAll(() => {
  client.close();
  rmSync(folder, { recursive: true });
});

const DRAFT = ["challenge", "support", "--draft", "--config", "FILE5"];
const R = ["--reason", "x"];

describe("bad input of commands on experiments and configs: a clear error, and nothing written", () => {
  it.each<[string, string[], string, number]>([
    ["--set beside several files", [...DRAFT, "--config", "FILE6", "--set", "a=7"], "usage_invalid", 2],
    ["the same challenger twice", [...DRAFT, "--config", "FILE5"], "config_invalid", 2],
    ["more labels than challengers", [...DRAFT, "--label", "x", "--label", "y"], "settings_invalid", 2],
    ["a label that is taken", [...DRAFT, "--label", "two"], "label_taken", 4],
    ["a label that reads as a hash", [...DRAFT, "--label", "abcdef12"], "settings_invalid", 2],
    ["a label that names a place", [...DRAFT, "--label", "champion"], "settings_invalid", 2],
    ["shares for other challengers", [...DRAFT, "--share", "0.1,0.2"], "settings_invalid", 2],
    ["shares above 0.99", [...DRAFT, "--config", "FILE6", "--share", "0.5,0.6"], "settings_invalid", 2],
    ["a share that is none", [...DRAFT, "--config", "FILE6", "--share", "0.1,x"], "share_out_of_range", 2],
    ["an audience that is no JSON", [...DRAFT, "--audience", "{"], "usage_invalid", 2],
    ["an audience that is a list", [...DRAFT, "--audience", "[]"], "audience_invalid", 2],
    ["an audience of a field unknown", [...DRAFT, "--audience", '{"were":{}}'], "audience_invalid", 2],
    ["an audience in a file not there", [...DRAFT, "--audience", "@NONE"], "input_invalid", 2],
    ["--where without a value", [...DRAFT, "--where", "plan"], "usage_invalid", 2],
    ["--where twice", [...DRAFT, "--where", "plan=a", "--where", "plan=b"], "usage_invalid", 2],
    ["an unknown operator", [...DRAFT, "--where", 'plan={"$like":"a"}'], "audience_invalid", 2],
    ["a watch that is no share", [...DRAFT, "--watch", "much"], "usage_invalid", 2],
    ["a watch that is too large", [...DRAFT, "--watch", "0.9"], "settings_invalid", 2],
    ["a horizon of no watch", [...DRAFT, "--watch", "off", "--watch-horizon", "9"], "usage_invalid", 2],
    ["a hash version unknown", [...DRAFT, "--hash-version", "3"], "usage_invalid", 2],
    ["a time that is none", [...DRAFT, "--starts-at", "soon"], "usage_invalid", 2],
    ["a day that is none", [...DRAFT, "--starts-at", "2026-13-45"], "usage_invalid", 2],
    ["an empty hypothesis of many words", [...DRAFT, "--hypothesis", " "], "settings_invalid", 2],
    [
      "a secret in a config",
      ["challenge", "support", "--draft", "--set", "api_key=hunter2-abc"],
      "config_secret",
      2,
    ],
    ["a secret in an edit", ["edit", "support", "DRAFT", "--add", "SECRET", ...R], "config_secret", 2],
    ["a secret in a champion", ["project", "create", "new", "--set", "password=hunter2"], "config_secret", 2],
    ["an overlap", ["challenge", "support", "--config", "FILE5"], "experiment_overlap", 4],
    ["an actor without a name", ["pause", "support", ...R, "--actor", " "], "usage_invalid", 2],
    ["an edit of nothing", ["edit", "support", "DRAFT", ...R], "usage_invalid", 2],
    ["an edit without a reason", ["edit", "support", "DRAFT", "--owner", "ana"], "usage_invalid", 2],
    [
      "an edit of what is not there",
      ["edit", "support", "ghost", "--owner", "a", ...R],
      "experiment_not_found",
      3,
    ],
    ["an edit that removes all", ["edit", "support", "DRAFT", "--remove", "four", ...R], "config_invalid", 2],
    [
      "an edit that removes nobody",
      ["edit", "support", "DRAFT", "--remove", "two", ...R],
      "arm_not_found",
      3,
    ],
    ["an edit of arms in use", ["edit", "support", "RUNNING", "--add", "FILE5", ...R], "arm_in_use", 4],
    [
      "an edit of a plan in use",
      ["edit", "support", "RUNNING", "--share", "0.3", ...R],
      "transition_illegal",
      4,
    ],
    ["a start in a slot that is taken", ["start", "support", "DRAFT", ...R], "experiment_overlap", 4],
    ["a start of what runs", ["start", "support", "RUNNING", ...R], "transition_illegal", 4],
    ["a start without a reason", ["start", "support", "DRAFT"], "usage_invalid", 2],
    ["a promotion of nobody named", ["promote", "support", ...R], "arm_not_found", 3],
    ["a promotion of a stranger", ["promote", "support", "--challenger", "9", ...R], "arm_not_found", 3],
    [
      "a promotion of a draft",
      ["abort", "support", "--experiment", "ghost", ...R],
      "experiment_not_found",
      3,
    ],
    ["a drop of a stranger", ["drop", "support", "four", ...R], "arm_not_found", 3],
    ["a drop without a reason", ["drop", "support", "two"], "usage_invalid", 2],
    ["an archive of what runs", ["archive", "support", "RUNNING", ...R], "transition_illegal", 4],
    ["a rollback without a past", ["rollback", "support", ...R], "transition_illegal", 4],
    ["a rollback to no champion", ["rollback", "support", "--to", "two", ...R], "transition_illegal", 4],
    ["a revision of nothing", ["revise", "support", ...R], "usage_invalid", 2],
    [
      "a revision for other challengers",
      ["revise", "support", "--share", "0.1,0.1,0", ...R],
      "settings_invalid",
      2,
    ],
    ["an override of a stranger", ["override", "support", "ana", "five", ...R], "arm_not_found", 3],
    ["an override of one of several", ["override", "support", "ana", "challenger", ...R], "arm_not_found", 3],
    ["an override of no unit", ["override", "support", "", "two", ...R], "input_invalid", 2],
    ["an override without an arm", ["override", "support", "ana", ...R], "usage_invalid", 2],
    ["a holdout that is no number", ["holdout", "support", "some", ...R], "usage_invalid", 2],
    ["a holdout that is too large", ["holdout", "support", "0.6", ...R], "share_out_of_range", 2],
    ["a config unknown", ["label", "support", "ghost", "x", ...R], "config_not_found", 3],
    ["a label of another", ["label", "support", "two", "three", ...R], "label_taken", 4],
    ["a difference of strangers", ["diff", "support", "two", "ghost"], "config_not_found", 3],
    [
      "a report of what is not there",
      ["report", "support", "--experiment", "ghost"],
      "experiment_not_found",
      3,
    ],
    ["an export of nothing known", ["export", "support"], "usage_invalid", 2],
    ["a project unknown", ["configs", "ghost"], "project_not_found", 3],
    ["overrides of a project unknown", ["overrides", "ghost"], "project_not_found", 3],
    ["an export of a project unknown", ["export", "champion", "ghost"], "project_not_found", 3],
  ])("%s", async (_title, args, code, exitCode) => {
    const filled = args.map(
      (arg) =>
        ids[arg] ?? arg.replace(/^FILE(\d)$/, join(folder, "$1.json")).replace("NONE", join(folder, "none")),
    );
    const failed = await cli(...filled, "--db", db, "--json");
    expect(failed.json()).toMatchObject({
      error: { code, message: expect.any(String), details: expect.any(Object) },
    });
    expect(failed).toMatchObject({ code: exitCode, err: "" });
    const people = await cli(...filled, "--db", db);
    expect(people).toMatchObject({ code: exitCode, out: "", err: expect.stringContaining(code) });
    expect(await standing()).toEqual(before);
  });
});

it("a reader that has read enough is no failure", async () => {
  const child = nodeProcess(MAIN, "--help");
  child.stdout.destroy();
  const said: Buffer[] = [];
  child.stderr.on("data", (part: Buffer) => said.push(part));
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect([code, Buffer.concat(said).toString()]).toEqual([0, ""]);
});

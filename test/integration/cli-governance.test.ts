/** `queue`, `budget` and `evaluations` at the command line. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ProjectQueue } from "../../src/engine/experiments/queue.js";
import { type CliProject, cliProject, widest } from "../support/cli-project.js";

let cli: CliProject;

beforeEach(async () => {
  cli = await cliProject();
});

const WHY = ["--reason", "test"] as const;

describe("queue", () => {
  it("lists who waits and for what, moves them, and takes them out", async () => {
    expect(await cli.told("queue", "support")).toMatch(
      /^Nobody waits\. Queue a challenger .*--queue'\.\nNo budget/,
    );
    await cli.told("challenge", "support", "--config", cli.config("short"));
    const told = await cli.told("challenge", "support", "--config", cli.config("brief"), "--queue");
    expect(told).toMatch(
      /^Queued experiment [\s\S]*starts by itself when its turn has come.*: dethrone queue support/,
    );
    const dry = await cli.told(
      "challenge",
      "support",
      "--config",
      cli.config("curt"),
      "--queue",
      "--dry-run",
    );
    expect(dry).not.toContain("Nothing would start");
    await cli.told("challenge", "support", "--config", cli.config("curt"), "--queue", "--owner", "ada");

    const { experiments, waitsFor } = await cli.json<ProjectQueue>("queue", "support");
    expect(waitsFor).toBe("slot");
    const [first, second] = experiments.map(({ id }) => id) as [string, string];
    const listed = await cli.told("queue", "support", "move", second.slice(0, 16), "1", ...WHY);
    expect(listed.indexOf(second.slice(0, 13))).toBeLessThan(listed.indexOf(first.slice(0, 13)));
    expect(listed).toContain("starts when the experiment in the slot has ended");
    expect(widest(listed)).toBeLessThanOrEqual(100);
    const removed = await cli.json<ProjectQueue>("queue", "support", "remove", second, ...WHY);
    expect(removed.experiments.map(({ id }) => id)).toEqual([first]);
    expect(await cli.told("project", "show", "support")).toMatch(/queued .*in turn/);
    const log = await cli.told("history", "support");
    for (const what of ["queued", "moved to place 1 of the queue: test", "taken out of the queue: test"])
      expect(log).toContain(what);
  });

  it.each([
    [["move"], /takes the draft's id/],
    [["remove", "x"], /takes --reason/],
    [["list", "x"], /takes nothing more/],
    [["shuffle"], /Allowed choices are list, move, remove\. See/],
  ])("refuses %j", async (args, message) => {
    const { code, err } = await cli.run("queue", "support", ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  it("refuses a move without a place, and a removal with one", async () => {
    const drafted = ["challenge", "support", "--config", cli.config("short"), "--draft", "--queue"];
    await cli.told(...drafted);
    const { experiments } = await cli.json<ProjectQueue>("queue", "support");
    const id = experiments[0]?.id as string;
    expect(await cli.run("queue", "support", "move", id, ...WHY)).toMatchObject({ code: 2 });
    expect(await cli.run("queue", "support", "remove", id, "1", ...WHY)).toMatchObject({ code: 2 });
    expect(await cli.run("queue", "support", "move", id, "0", ...WHY)).toMatchObject({ code: 2 });
    expect(await cli.told("queue", "support")).toContain("starts with the next tick ('dethrone decide')");
  });
});

describe("budget", () => {
  it("holds starts back, which status, decide, doctor and queue tell of with the ways out", async () => {
    expect(await cli.told("budget", "support", "0.04", "--window", "90d", ...WHY)).toBe(
      "Budget: 0.04 expected false promotions within 90 days, 0 spent, 0.04 left.\n",
    );
    const refused = await cli.run("challenge", "support", "--config", cli.config("short"));
    expect(refused.code).toBe(4);
    expect(refused.err).toMatch(/budget_spent .*raise it \('dethrone budget'\)/);
    await cli.told("challenge", "support", "--config", cli.config("short"), "--queue");
    for (const command of [["status"], ["decide"], ["doctor"], ["queue", "support"]])
      expect(await cli.told(...command), command.join()).toMatch(/The budget of\s+project 'support' is 0.04/);
    expect(await cli.json("status")).toMatchObject({ stalledQueues: [{ project: "support", count: 1 }] });
    expect(await cli.told("budget", "support", "none", ...WHY)).toMatch(/^No budget/);
    expect(await cli.told("decide")).toContain("its turn in the queue");
    expect(await cli.told("history", "support")).toContain("budget 0.04 within 90 days -> none");
    expect(await cli.run("budget", "support", "much", ...WHY)).toMatchObject({ code: 2 });
  });
});

describe("evaluations", () => {
  it("tell what ticks found, page by page", async () => {
    expect(await cli.told("evaluations")).toMatch(/^No evaluation\./);
    await cli.told(
      "challenge",
      "support",
      "--config",
      cli.config("short"),
      "--share",
      "0.5",
      "--owner",
      "ada",
    );
    await cli.sessions(40, {});
    await cli.told("decide");
    await cli.sessions(400, { short: 0.9, long: 0.3 });
    await cli.told("decide");
    const told = await cli.told("evaluations", "support");
    expect(told.split("\n")[1]).toMatch(/support .* PROMOTE \(evidence\) +\d+ .* of 20\.0x/);
    expect(told).toMatch(/CONTINUE \(collecting\)/);
    expect(widest(told)).toBeLessThanOrEqual(100);
    const page = await cli.json<{ evaluations: { verdict: string }[]; nextCursor: string }>(
      ...["evaluations", "--limit", "1", "--owner", "ada", "--since", "1d", "--newest"],
    );
    expect(page).toMatchObject({ evaluations: [{ verdict: "promote" }], nextCursor: null });
    const { nextCursor } = await cli.json<{ nextCursor: string }>("evaluations", "--limit", "1");
    expect(await cli.json("evaluations", "--cursor", nextCursor)).toMatchObject({
      evaluations: [{ verdict: "continue" }],
    });
    expect(await cli.told("evaluations", "--limit", "1")).toContain("--cursor");
    expect(await cli.told("evaluations", "--until", "2020-01-01")).toMatch(/^No evaluation\./);
    for (const bad of [
      ["--since", "soon"],
      ["--verdict", "win"],
      ["--limit", "0"],
    ])
      expect(await cli.run("evaluations", ...bad), bad.join()).toMatchObject({ code: 2 });
    expect(await cli.run("evaluations", "none")).toMatchObject({ code: 3 });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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

const three = (...flags: string[]): string[] => [
  ...["challenge", "support", "--config", project.config("brief"), "--config", project.config("terse")],
  ...["--config", project.config("polite"), "--label", "brief", "--label", "terse", ...flags],
];

interface Started {
  readonly experiment: { readonly id: string };
}

describe("several challengers in one experiment", () => {
  it("are shown before they start, and start with their labels and shares", async () => {
    const flags = ["--share", "0.1,0.2,0.05", "--horizon", "900", "--hypothesis", "Short is enough."];
    const about = ["--owner", "ana", "--tag", "cost", "--tag", "tone", "--description", "Three ways."];
    const who = ["--where", "plan=pro", "--include-group", "beta", "--exclude-group", "staff"];
    const more = ["--watch", "0.1", "--watch-horizon", "300", "--exclusion-group", "chat"];
    const dry = await project.told(...three(...flags, ...about, ...who, ...more, "--dry-run"));
    expect(dry).toContain("nothing is started");
    expect(dry).toMatch(/-> challenger brief\nstyle\n {2}- "long"\n {2}\+ "brief"/);
    expect(dry).toMatch(/hypothesis +Short is enough\./);
    expect(dry).toMatch(/share +35\.0 %: brief 10\.0 %, terse 20\.0 %, \w{12} 5\.0 %/);
    expect(dry).toMatch(/planned +900 sessions, all arms together/);
    expect(dry).toContain("alpha 0.05 divided by 3: 60.0x evidence that it is better");
    expect(dry).toMatch(/audience +plan is pro; in group beta; not in group staff/);
    expect(dry).toMatch(/watch +after a promotion 10\.0 % stay on the old champion for 300 sessions/);
    expect(dry).toMatch(/exclusive +with other experiments of the group chat/);
    expect(widest(dry)).toBeLessThanOrEqual(100);
    expect(await project.json("project", "show", "support")).toMatchObject({ experiments: [] });

    const started = await project.json(...three(...flags, ...about, ...who, ...more));
    expect(started).toMatchObject({
      started: true,
      experiment: {
        share: 0.35,
        hypothesis: "Short is enough.",
        description: "Three ways.",
        owner: "ana",
        tags: ["cost", "tone"],
        audience: { where: { plan: "pro" }, includeGroups: ["beta"], excludeGroups: ["staff"] },
        exclusionGroup: "chat",
        watch: { share: 0.1, horizon: 300 },
      },
      challengers: [
        { place: 1, label: "brief", share: 0.1, out: null },
        { place: 2, label: "terse", share: 0.2 },
        { place: 3, label: null, share: 0.05 },
      ],
    });
    const again = await project.json(...three());
    expect(again).toMatchObject({ started: false, status: "existing" });
  });

  it("divide one share, are dropped, revised and promoted by name, and reported", async () => {
    const start = await project.told(...three("--share", "0.3"));
    expect(start).toContain("30.0 % of sessions to 3 challengers, planned for 2,000 sessions.\nbrief 10.0 %");
    await project.sessions(120, { long: 0.5, brief: 0.7, terse: 0.1 });
    const tick = await project.told("decide");
    expect(tick).toContain("CONTINUE (collecting)");

    const dropped = await project.told("drop", "support", "3", "--reason", "rude");
    expect(dropped).toMatch(/^Dropped \w{12}: its share and its units go to the champion\./);
    await project.told("revise", "support", "--share", "0.2,0.2,0", "--reason", "faster");
    const report = await project.told("report", "support");
    expect(report).toMatch(/dropped +(terse: worse than the champion; )?\w{12}: by hand/);
    expect(report).toMatch(/contest .*brief \(leads\)/);
    expect(report).toMatch(/revised +[-\d: ]+: share 20\.0 %, 20\.0 %, 0\.0 %/);
    expect(report).toContain("The numbers above are about brief, which leads.");
    expect(report).toMatch(/^arm +sessions[\s\S]*^champion [\s\S]*^brief [\s\S]*^terse /m);
    expect(report).toMatch(/by context +value +champion +brief +terse/);
    expect(report).toContain("Exploratory: many values are looked at at once");
    expect(widest(report)).toBeLessThanOrEqual(100);

    const unnamed = await project.run("promote", "support", "--reason", "x", "--json");
    expect(unnamed.json()).toMatchObject({
      error: { code: "arm_not_found", details: { known: ["1 (brief)", "2 (terse)", expect.any(String)] } },
    });
    expect(
      await project.json("promote", "support", "--challenger", "terse", "--reason", "liked"),
    ).toMatchObject({ action: "promote", watch: null });
    expect(await project.told("history", "support")).toMatch(/promoted terse: liked/);
  });

  it("tell in a tick who was dropped, and end with who was promoted", async () => {
    await project.told(...three("--share", "0.6", "--watch"));
    await project.sessions(400, { long: 0.4, brief: 0.95, terse: 0.05, polite: 0.4 });
    const tick = await project.told("decide");
    expect(tick).toContain("PROMOTE (evidence)");
    expect(tick).toMatch(/support {2}promoted brief after \d+ sessions: evidence/);
    expect(tick).toMatch(/support {2}watch started: \w{12} against brief, 5\.0 %/);
    const status = await project.told("status");
    expect(status).toMatch(/support +running \(watch\) +0 of 1,000/);
    const watch = flat(await project.told("report", "support"));
    expect(watch).toMatch(
      /watch over a promotion: the old champion \w{12} contends against the champion brief/,
    );

    const back = await project.told("promote", "support", "--reason", "complaints");
    expect(back).toContain("Rolled back: the old champion of the watch is the champion again.");
    expect(await project.told("project", "show", "support")).toMatch(/rolled back +\w{12} \(watch\)/);
    const history = await project.told("history", "support");
    expect(history).toMatch(/promoted brief after \d+ sessions: evidence +tick/);
    expect(flat(history)).toMatch(
      /started brief, terse and \w{12} against .*\w{12}, 20\.0 %, 20\.0 %, 20\.0 %/,
    );
  });
});

describe("a draft", () => {
  const draft = async (...flags: string[]): Promise<string> => {
    const made = await project.json<Started>(
      ...["challenge", "support", "--config", project.config("brief"), "--label", "brief", ...flags],
    );
    expect(made).toMatchObject({ started: false, status: "drafted", experiment: { status: "draft" } });
    return made.experiment.id;
  };

  it("is shown, edited, and started by hand", async () => {
    const dry = await project.told(
      ...["challenge", "support", "--config", project.config("brief"), "--draft", "--dry-run"],
    );
    expect(dry).toContain("nothing is drafted");
    expect(dry).toMatch(/starts +by hand/);
    const id = await draft("--draft", "--owner", "ana", "--share", "0.1");
    expect(await project.told("status")).toMatch(/support +no experiment +1$/m);
    expect(await project.told("project", "show", "support")).toMatch(/draft +brief +10\.0 % +by hand +ana/);
    const report = await project.told("report", "support");
    expect(report).toContain("DRAFT");
    expect(report).toMatch(/contest +brief contends against the champion \w{12}/);

    const adds = ["--add", project.config("terse"), "--label", "terse", "--share", "0.1,0.2"];
    const plan = ["--starts-at", "3d", "--watch", "--min-uplift", "0.01", "--horizon", "500"];
    const edited = await project.told(
      "edit",
      "support",
      id.slice(0, 13),
      ...adds,
      ...plan,
      "--reason",
      "more",
    );
    expect(edited).toMatch(/share +30\.0 %: brief 10\.0 %, terse 20\.0 %/);
    expect(edited).toMatch(/planned +500 sessions/);
    expect(edited).toContain("uplift > +1.0 points");
    expect(edited).toMatch(/starts +20\d\d-\d\d-\d\d \d\d:\d\d UTC, at the first tick/);
    const less = [
      "--remove",
      "terse",
      "--share",
      "0.1",
      "--starts-at",
      "never",
      "--watch",
      "off",
      "--owner",
      "",
    ];
    expect(await project.json("edit", "support", id, ...less, "--reason", "less")).toMatchObject({
      action: "edit",
      experiment: { id, owner: null, watch: null, startsAtMs: null, challengers: [{ place: 1, share: 0.1 }] },
    });

    const started = await project.told("start", "support", id, "--reason", "now");
    expect(started).toContain("10.0 % of sessions to the challenger, planned for 500 sessions.");
    const said = await project.told("edit", "support", id, "--hypothesis", "It is.", "--reason", "why");
    expect(said).toMatch(/Edited what is said of experiment .* \(running\)[\s\S]*hypothesis +It is\./);
    expect((await project.run("edit", "support", id, "--share", "0.3", "--reason", "x")).code).toBe(4);
    expect(
      (await project.run("edit", "support", id, "--add", project.config("x"), "--reason", "x")).code,
    ).toBe(4);
    const history = await project.told("history", "support");
    expect(history).toMatch(/edited hypothesis: why/);
    expect(history).toMatch(/started[^\n]*: now/);
    expect(flat(history)).toMatch(
      /edited share, watch, time of the start, challengers .*taken out, owner less/,
    );
    expect(history).toMatch(/drafted brief against \w{12}, 10\.0 %/);
  });

  it("is edited to find an uplift by a time, under another policy, for another audience", async () => {
    const id = await draft("--draft", "--horizon", "300", "--policy", "threshold");
    const goal = await project.json(
      "edit",
      "support",
      id,
      "--detect",
      "0.2",
      "--within",
      "5d",
      "--reason",
      "x",
    );
    expect(goal).toMatchObject({ experiment: { share: 0.5, policy: { kind: "threshold" } } });
    const other = ["--policy", "strict", "--audience", '{"where":{"plan":"pro"}}', "--share", "0.2"];
    expect(await project.json("edit", "support", id, ...other, "--reason", "x")).toMatchObject({
      experiment: { policy: { kind: "calibrated", alpha: 0.02 }, audience: { where: { plan: "pro" } } },
    });
    const everyone = await project.told("edit", "support", id, "--audience", "everyone", "--reason", "x");
    expect(everyone).toMatch(/audience +everyone/);
  });

  it("starts by itself once its time has come and the slot is free", async () => {
    await project.told("challenge", "support", "--config", project.config("terse"));
    const id = await draft("--starts-at", "2020-01-01T00:00:00Z");
    expect(await project.told("report", "support")).toMatch(
      /draft +\w{8}-\w{4} brief, starts 2020-01-01 00:00 UTC \(due\)/,
    );
    expect(await project.told("decide")).toMatch(
      /draft .*, due \d+ years ago, waits for the end of experiment/,
    );
    await project.told("abort", "support", "--reason", "room");
    const tick = await project.json("decide");
    expect(tick).toMatchObject({
      experiment: id,
      verdict: "continue",
      events: [{ action: "started", experiment: id, reason: "its time has come" }],
    });
  });

  it("is discarded, and another experiment aborts nothing of it", async () => {
    const id = await draft("--draft");
    expect(
      await project.told("abort", "support", "--experiment", id.slice(0, 13), "--reason", "no"),
    ).toContain("Discarded draft");
    expect(await project.told("project", "show", "support")).toMatch(/aborted +brief .* never started/);
    expect((await project.run("start", "support", id, "--reason", "x")).code).toBe(4);
  });
});

describe("units by hand", () => {
  it("get an arm, are listed, counted in the report, and go back", async () => {
    await project.told(...three("--share", "0.3"));
    const given = await project.told("override", "support", "ana", "terse", "--reason", "to try it");
    expect(given).toContain("ana gets challenger 2, terse, from its next session on");
    expect(await project.json("override", "support", "bea", "champion", "--reason", "x")).toMatchObject({
      unit: "bea",
      arm: 0,
    });
    expect(await project.json("override", "support", "cay", "3", "--reason", "x")).toMatchObject({ arm: 3 });
    const list = await project.told("overrides", "support");
    expect(list).toMatch(/ana +terse .*cli +to try it\nbea +champion/);
    expect(await project.told("report", "support")).toMatch(/overrides +3 units have an arm by hand/);
    expect(await project.told("override", "support", "ana", "none", "--reason", "done")).toContain(
      "ana has no arm by hand any more",
    );
    expect((await project.json<{ overrides: object[] }>("overrides", "support")).overrides).toHaveLength(2);
    const history = await project.told("history", "support");
    expect(history).toContain("override of ana taken away: done");
    expect(history).toContain("override ana -> terse: to try it");
  });

  it("are held out of the experiments from the next one on", async () => {
    expect(await project.told("overrides", "support")).toContain("No unit has an arm by hand.");
    const held = await project.told("holdout", "support", "0.05", "--reason", "to compare");
    expect(held).toContain("5.0 % of the units of support are held out");
    expect(await project.told("project", "show", "support")).toContain("5.0 % of the units held out");
    await project.told("challenge", "support", "--config", project.config("brief"));
    expect(await project.told("report", "support")).toMatch(/held out +5\.0 % of the units/);
    expect(await project.json("holdout", "support", "0", "--reason", "enough")).toMatchObject({ holdout: 0 });
    expect(await project.told("history", "support")).toContain("holdout 0.0 % -> 5.0 %: to compare");
  });
});

describe("experiments of a project", () => {
  it("are reported by id, archived, and listed by owner and tag", async () => {
    const first = await project.json<Started>(
      ...["challenge", "support", "--config", project.config("brief"), "--owner", "ana", "--tag", "cost"],
    );
    const { id } = first.experiment;
    expect((await project.run("archive", "support", id, "--reason", "x")).code).toBe(4);
    await project.told("abort", "support", "--reason", "typo", "--actor", "bea");
    await project.told("challenge", "support", "--config", project.config("terse"), "--owner", "cay");
    expect(await project.told("status", "--owner", "cay")).toContain("running");
    expect(await project.told("status", "--owner", "ana")).toContain("No project's experiment");
    expect(await project.json("project", "show", "support", "--owner", "ana", "--tag", "cost")).toMatchObject(
      {
        experiments: [{ id }],
      },
    );
    expect(await project.json("report", "support", "--experiment", id.slice(0, 13))).toMatchObject({
      experiment: id,
      status: "aborted",
    });
    const archived = await project.told("archive", "support", id.slice(0, 13), "--reason", "old");
    expect(archived).toContain("Archived experiment");
    const listed = await project.told("project", "show", "support");
    expect(listed).toContain("1 archived experiment not shown.");
    expect(listed).not.toContain(id.slice(0, 13));
    expect(await project.told("project", "show", "support", "--archived")).toMatch(/aborted, archived/);
    expect(await project.told("history", "support")).toMatch(/aborted: typo +bea/);
  });

  it("are broken down by one attribute", async () => {
    await project.told("challenge", "support", "--config", project.config("brief"), "--share", "0.5");
    await project.sessions(90, { long: 0.5, brief: 0.5 });
    await project.told("decide");
    const report = await project.told("report", "support", "--by", "plan");
    expect(report).toMatch(/plan +free +\d+\.\d % of \d+ +\d+\.\d % of \d+ +[-+]?\d+\.\d points/);
    expect(await project.told("report", "support", "--by", "country")).toContain(
      "No session that counts has 'country' in its context.",
    );
  });
});

describe("rollback", () => {
  it("returns to the champion before, or to any former one by name", async () => {
    for (const style of ["brief", "terse"]) {
      await project.told("challenge", "support", "--config", project.config(style), "--label", style);
      await project.told("promote", "support", "--reason", "by hand");
    }
    expect(await project.told("rollback", "support", "--reason", "worse")).toMatch(
      /Champion of support: brief /,
    );
    expect(await project.told("rollback", "support", "--to", "terse", "--reason", "not worse")).toMatch(
      /Champion of support: terse /,
    );
    const history = await project.told("history", "support");
    expect(history).toContain("rolled back from brief to terse: not worse");
    expect(history).toContain("promoted terse: by hand");
  });
});

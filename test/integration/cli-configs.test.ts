import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CliProject, cliProject, widest } from "../support/cli-project.js";

let project: CliProject;

beforeEach(async () => {
  project = await cliProject();
});

afterEach(() => {
  vi.restoreAllMocks();
});

const path = (name: string): string => join(project.folder, name);

interface Configs {
  readonly configs: { readonly hash: string; readonly label: string | null }[];
}

/** `long`, then `brief` and `terse` made from it, then `short` made from `brief`, which is champion. */
async function lineage() {
  const { told, config } = project;
  await told("label", "support", "champion", "long", "--reason", "the first one");
  const labels = ["--label", "brief", "--label", "terse", "--hypothesis", "Short is enough."];
  await told("challenge", "support", "--config", config("brief"), "--config", config("terse"), ...labels);
  await told("promote", "support", "--challenger", "brief", "--reason", "liked");
  await told("challenge", "support", "--config", config("short"), "--actor", "ana");
}

describe("the configs of a project", () => {
  it("are a tree: who came from whom, reigned when, by whom and why", async () => {
    await lineage();
    const tree = await project.told("configs", "support");
    expect(tree).toContain("support  4 configs");
    expect(tree).toMatch(/^long +\w{12} +former champion +[-\d]+ [\d:]+ to [\d:]+$/m);
    expect(tree).toMatch(/^├─ brief +\w{12} +champion +since [-\d]+ [\d:]+ \(promoted\)$/m);
    expect(tree).toMatch(/^│ {2}│ +changes style$/m);
    expect(tree).toMatch(/^│ {2}│ +added [-\d]+ [\d:]+ by cli: Short is enough\.$/m);
    expect(tree).toMatch(/^│ {2}└─ \w{12} +contending$/m);
    expect(tree).toMatch(/^└─ terse +\w{12} +challenger$/m);
    expect(tree).toMatch(/by ana/);
    expect(widest(tree)).toBeLessThanOrEqual(100);
    const { configs } = await project.json<Configs>("configs", "support");
    expect(configs).toMatchObject([
      { label: "long", parent: null, role: "former champion", changes: [] },
      { label: "brief", role: "champion", changes: [{ path: "/style", before: "long", after: "brief" }] },
      { label: "terse", reigns: [] },
      { label: null, parent: configs[1]?.hash, role: "contending", actor: "ana" },
    ]);
  });

  it("differ by label, hash and place", async () => {
    await lineage();
    const diff = await project.told("diff", "support", "long", "terse");
    expect(diff).toMatch(/^long \(\w{12}\) -> terse \(\w{12}\)\nstyle\n {2}- "long"\n {2}\+ "terse"\n$/);
    const { configs } = await project.json<Configs>("configs", "support");
    const hashes = configs.map(({ hash }) => hash.slice(0, 8));
    const places = await project.json("diff", "support", "champion", "challenger");
    expect(places).toMatchObject({
      before: { label: "brief" },
      after: { hash: configs[3]?.hash },
      changes: [{ path: "/style", kind: "changed" }],
    });
    const named = await project.json("diff", "support", hashes[1] as string, hashes[3] as string);
    expect(named).toEqual(places);
    expect(await project.told("diff", "support", "brief", "champion")).toContain("(no difference)");
    expect((await project.run("diff", "support", "brief", "ghost")).code).toBe(3);
  });

  it("are named, and lose their names", async () => {
    const { told, run } = project;
    expect(await told("label", "support", "champion", "thorough", "--reason", "x")).toMatch(
      /^\w{12} is called thorough\.$/m,
    );
    await told("challenge", "support", "--config", project.config("brief"));
    expect((await run("label", "support", "challenger", "thorough", "--reason", "x")).code).toBe(4);
    const reserved = await run("label", "support", "challenger", "champion", "--reason", "x", "--json");
    expect(reserved).toMatchObject({ code: 2 });
    expect(reserved.json()).toMatchObject({ error: { code: "settings_invalid" } });
    const gone = await project.json("label", "support", "thorough", "none", "--reason", "too long");
    expect(gone).toMatchObject({ label: null, action: "label" });
    expect(await told("history", "support")).toMatch(/label of \w{12} taken away: too long/);
    expect((await run("diff", "support", "thorough", "challenger")).code).toBe(3);
  });

  it("have no challenger by place where there is none, or several", async () => {
    const none = await project.run("diff", "support", "champion", "challenger");
    expect(none).toMatchObject({ code: 3, err: expect.stringContaining("no challenger yet") });
    const two = ["--config", project.config("brief"), "--config", project.config("terse")];
    await project.told("challenge", "support", ...two);
    const several = await project.run("diff", "support", "champion", "challenger");
    expect(several).toMatchObject({ code: 3, err: expect.stringContaining("has 2 challengers") });
  });
});

describe("what looks like a secret", () => {
  it("is let through where its path is said to be none", async () => {
    const allow = ["--allow-secret", "password"];
    await project.told("project", "create", "door", "--set", "password=swordfish", ...allow);
    expect(await project.json("project", "show", "door")).toMatchObject({
      champion: { body: { password: "swordfish" } },
    });
    const challenge = ["challenge", "door", "--set", "password=mellon", "--draft"];
    expect((await project.run(...challenge)).code).toBe(2);
    expect((await project.run(...challenge, "--dry-run")).code).toBe(2);
    const made = await project.json<{ experiment: { id: string } }>(...challenge, ...allow);
    writeFileSync(path("open.json"), '{"password":"open sesame"}');
    const edit = ["edit", "door", made.experiment.id, "--add", path("open.json"), "--reason", "x"];
    expect((await project.run(...edit)).code).toBe(2);
    expect((await project.run("edit", "door", made.experiment.id, ...allow, "--reason", "x")).code).toBe(2);
    await project.told(...edit, ...allow);
  });
});

describe("export champion", () => {
  const CHAMPION = `{\n  "limits": {\n    "tokens": 5\n  },\n  "style": "long"\n}\n`;

  it("prints and writes the same bytes, with sorted keys and a line break at the end", async () => {
    expect(await project.told("export", "champion", "support")).toBe(CHAMPION);
    const written = await project.told("export", "champion", "support", "--output", path("champion.json"));
    expect(written).toMatch(/Wrote champion \w{12} to /);
    expect(readFileSync(path("champion.json"), "utf8")).toBe(CHAMPION);
    expect(await project.json("export", "champion", "support")).toMatchObject({
      project: "support",
      config: { style: "long" },
      file: null,
    });
  });

  it("--check passes while the file is the champion, however it is written", async () => {
    writeFileSync(path("champion.json"), '{"style":"long","limits":{"tokens":5}}');
    expect(await project.told("export", "champion", "support", "--check", path("champion.json"))).toContain(
      "is the champion of support",
    );
    const same = await project.json("export", "champion", "support", "--check", path("champion.json"));
    expect(same).toMatchObject({ isEqual: true });
  });

  it("--check exits with 4 and shows the difference where it is not, and writes nothing", async () => {
    const text = '{"style":"old","limits":{"tokens":5}}';
    writeFileSync(path("champion.json"), text);
    const check = ["export", "champion", "support", "--check", path("champion.json")];
    const differs = await project.run(...check);
    expect(differs.code).toBe(4);
    expect(differs.out).toMatch(/champion\.json -> champion \w{12}\nstyle\n {2}- "old"\n {2}\+ "long"/);
    expect(differs.err).toContain("champion_differs");
    expect((await project.run(...check, "--json")).json()).toMatchObject({
      error: {
        code: "champion_differs",
        kind: "conflict",
        details: { changes: [{ path: "/style", kind: "changed", before: "old", after: "long" }] },
      },
    });
    expect(readFileSync(path("champion.json"), "utf8")).toBe(text);
  });

  it("refuses both ways at once, and files that cannot be read or written", async () => {
    const both = ["--output", path("a.json"), "--check", path("a.json")];
    expect((await project.run("export", "champion", "support", ...both)).code).toBe(2);
    for (const flag of ["--check", "--output"]) {
      const failed = await project.run(
        "export",
        "champion",
        "support",
        flag,
        path("no/where.json"),
        "--json",
      );
      expect(failed.code).toBe(2);
      expect(failed.json()).toMatchObject({ error: { code: "input_invalid" } });
    }
  });
});

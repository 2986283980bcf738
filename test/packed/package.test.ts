import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { blocks, complaints, isOfAdapter, standingAlone } from "../support/page-blocks.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const app = inject("app");
const runtimes = inject("runtimes");
const contents = inject("contents");
const own = join(app, "node_modules/dethrone");
const { exports: entries, scripts } = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as {
  exports: Record<string, unknown>;
  scripts: Record<string, string>;
};

/** Every Node that is supported: the oldest, the one at hand, the newer ones. */
const NODES = Object.entries({
  "the oldest Node": runtimes.node20,
  [`Node ${process.versions.node}`]: process.execPath,
  "Node 22": runtimes.node22,
  "Node 24": runtimes.node24,
}).filter((entry): entry is [string, string] => entry[1] !== null);

/** Runs a script in a folder of its own within the project. */
async function runScript(node: string, name: string, code: string) {
  const folder = await mkdtemp(join(app, "run-"));
  await writeFile(join(folder, name), code);
  return run(node, [name], { cwd: folder });
}

/** Weights of the package, in bytes; see docs/RUNTIMES.md. */
const PACKED_MAX = 2.5e6;
const UNPACKED_MAX = 10e6;

describe("the tarball", () => {
  it("keeps within its weight", () => {
    expect(contents.size).toBeLessThan(PACKED_MAX);
    expect(contents.unpackedSize).toBeLessThan(UNPACKED_MAX);
  });

  it("has what it takes to run, and nothing of the workshop", () => {
    const paths = contents.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(["dist/cli/main.js", "drizzle/meta/_journal.json", "README.md", "LICENSE"]),
    );
    expect(paths.filter((path) => /(^|\/)(test|bench|scripts|\.ci)\/|_snapshot\.json$/.test(path))).toEqual(
      [],
    );
  });

  it("runs no script where it is installed, and installs without a complaint about itself", async () => {
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(inject("installed")).not.toMatch(/ERESOLVE|deprecated|dethrone@/);
    await run("npm", ["ls", "dethrone", "--all"], { cwd: app });
  });

  it("is sound to publint, and its types to Are The Types Wrong", async () => {
    const tool = (name: string) => join(root, "node_modules/.bin", name);
    await run(tool("publint"), ["--strict", inject("tarball")], { cwd: root });
    await run(tool("attw"), [inject("tarball"), "--profile", "esm-only"], { cwd: root });
  });
});

it("every supported Node is there to be tried", () => {
  expect(NODES.map(([name]) => name)).toHaveLength(4);
});

describe.each(NODES)("on %s", (_name, node) => {
  const names = Object.keys(entries).map((entry) => `dethrone${entry.slice(1)}`);

  it("every entry is imported, and required, as one and the same", async () => {
    const { stdout } = await runScript(
      node,
      "entries.mjs",
      `import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      for (const name of ${JSON.stringify(names.filter((name) => !name.endsWith(".json")))}) {
        const names = Object.keys(await import(name));
        const isSame = (await import(name)) === require(name);
        console.log(name, names.length > 0, isSame);
      }`,
    );
    const expected = names.filter((name) => !name.endsWith(".json")).map((name) => `${name} true true`);
    expect(stdout.trim().split("\n")).toEqual(expected);
  });

  it("a CommonJS host requires it before anything else", async () => {
    const { stdout } = await runScript(
      node,
      "host.cjs",
      `const { createEngine } = require("dethrone");
      createEngine({ url: "file:host.db" })
        .then(async (engine) => {
          const bot = await engine.project("support", { champion: { prompt: "Be brief." } });
          console.log(await bot.wrap((session) => session.config.prompt)());
          await engine.close();
        });`,
    );
    expect(stdout).toBe("Be brief.\n");
  });

  it("'dethrone demo' promotes the better agent", async () => {
    const { stdout } = await run(node, [join(own, "dist/cli/main.js"), "demo"], { cwd: app });
    expect(stdout).toContain("PROMOTE");
  });
});

describe.each([NODES[0], NODES.at(-1)].filter((each) => each !== undefined))(
  "adapters on %s",
  (_name, node) => {
    const pages = ["README.md", "docs/INTEGRATIONS.md"].flatMap((page) =>
      blocks("ts", readFileSync(join(root, page), "utf8"))
        .filter(isOfAdapter)
        .map((code): [string, string] => [`${/from "(dethrone\/[\w-]+)"/.exec(code)?.[1]} of ${page}`, code]),
    );

    it.each(pages)("%s runs as it stands", async (_block, code) => {
      const { stderr } = await runScript(node, "block.mjs", standingAlone(code));
      expect(complaints(stderr)).toBe("");
    });
  },
);

it("'npx dethrone' is the command line", async () => {
  expect((await run("npx", ["dethrone", "--help"], { cwd: app })).stdout).toContain("demo");
});

/** The reference is of the sources: every command, code and exported name, with what its docstring says. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../../src/cli/program/examples.js";
import { createProgram } from "../../src/cli/program.js";
import { fencesOf, ROOT, textOf } from "../support/docs/markdown.js";
import { typeErrors, writePrograms } from "../support/docs/programs.js";

const ENTRIES: Readonly<Record<string, string>> = {
  index: "src/index.ts",
  core: "src/core/index.ts",
  client: "src/client/index.ts",
  server: "src/server/index.ts",
  testing: "src/testing.ts",
  "ai-sdk": "src/integrations/ai-sdk/index.ts",
  openfeature: "src/integrations/openfeature/index.ts",
  otel: "src/integrations/otel/index.ts",
  judges: "src/integrations/judges/index.ts",
  mcp: "src/integrations/mcp/index.ts",
};

/** What examples use without saying where it comes from. */
const LEFT_TO_READER =
  "analytics answer askModel Audience createEngine env evidence exposure generateText logger NodeTracerProvider openai outline \
OpenFeature planShares policy question result StdioServerTransport tools wrapLanguageModel".split(/\s+/);

interface Export {
  readonly name: string;
  readonly file: string;
}

/** The source of a built file. */
function sourceOf(path: string): string {
  const source = path.replace(/\.js$/, ".ts");
  return existsSync(join(ROOT, source)) ? source : `${source}x`;
}

/** What a module exports, and in which file of the sources each is declared. */
function exportsOf(file: string): Export[] {
  const code = readFileSync(join(ROOT, file), "utf8");
  const own = [
    ...code.matchAll(/^export (?:async |abstract )?(?:function|class|const|interface|type) (\w+)/gm),
  ];
  const listed = [...code.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)];
  return [
    ...own.map(([, name]) => ({ name: name as string, file })),
    ...listed.flatMap(([, names, from]) => {
      const path = sourceOf(join(dirname(file), from as string));
      return (names as string)
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "")
        .map((name) => ({ name: name.split(" as ").at(-1) as string, file: path }));
    }),
  ];
}

/** The first words of the docstring of a name in a file, if it is declared there. */
function docstring({ name, file }: Export): string | undefined {
  const code = readFileSync(join(ROOT, file), "utf8");
  const declared = new RegExp(
    `/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\nexport (?:async |abstract )?(?:function|class|const|interface|type) ${name}\\b`,
  ).exec(code);
  return declared?.[1]
    ?.replace(/^\s*\* ?/gm, "")
    .trim()
    .split("\n")[0]
    ?.replace(/\{@link (\w+)\}/g, "`$1`");
}

const flat = (text: string): string => text.replace(/\\\|/g, "|").replace(/\s+/g, " ");

describe("the reference", () => {
  it.each(Object.entries(ENTRIES))(
    "%s has every exported name of %s, with its docstring, and no other",
    (page, file) => {
      const text = textOf(`docs/reference/${page}.md`);
      const names = exportsOf(file);
      const described = [...text.matchAll(/^(?:### (\w+)$|- \[`(\w+)`\]\()/gm)].map(
        ([, own, other]) => own ?? other,
      );
      expect(described.sort()).toEqual([...new Set(names.map(({ name }) => name))].sort());
      const stale = names.filter((each) => {
        const said = docstring(each);
        // Of a name described elsewhere its first sentence is told here.
        const begin = said?.split(/(?<=[.!?]) /)[0];
        return begin !== undefined && !flat(text).includes(flat(begin));
      });
      expect(stale).toEqual([]);
    },
  );

  // What it is made with has a folder of its own, as CONTRIBUTING.md says.
  it.runIf(existsSync(join(ROOT, "scripts/reference/node_modules")))(
    "is what the docstrings give now",
    () => {
      const script = join(ROOT, "scripts/reference/render.mjs");
      expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
    },
    120_000,
  );

  it("has examples that type-check, but for what they leave to the reader", async () => {
    const examples = Object.keys(ENTRIES).flatMap((page) => {
      const code = textOf(`docs/reference/${page}.md`);
      const exported = [...code.split("\n## Types\n")[0]!.matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);
      return fencesOf(`docs/reference/${page}.md`).map(({ at, code: example }) => {
        const used = exported.filter(
          (name) => new RegExp(`\\b${name}\\b`).test(example) && !example.includes(`import { ${name}`),
        );
        const from = page === "index" ? "dethrone" : `dethrone/${page}`;
        const head = used.length > 0 ? `import { ${used.join(", ")} } from "${from}";` : "export {};";
        return { name: at.replace(/\W+/g, "-"), at, code: `${head}\n${example}`, notRun: undefined };
      });
    });
    writePrograms("examples", examples);
    const errors = (await typeErrors("examples")).split("\n").filter((line) => line.includes("error TS"));
    const named = errors.map((line) => [
      line,
      /(?:Cannot find name|shorthand property) '(\w+)'/.exec(line)?.[1],
    ]);
    expect(named.filter(([, name]) => !LEFT_TO_READER.includes(name ?? ""))).toEqual([]);
    expect(examples.length).toBeGreaterThan(70);
  }, 120_000);

  it("is of the command tree and the codes as they are", () => {
    const script = join(ROOT, "scripts/cli-reference.mjs");
    const printed = execFileSync(process.execPath, [script, "--print"], { encoding: "utf8" });
    expect(printed).toBe(
      ["command-line", "errors"].map((name) => textOf(`docs/reference/${name}.md`)).join(""),
    );
  });

  it("has an example of every command", () => {
    const names = createProgram(() => undefined).commands.flatMap((command) =>
      command.commands.length > 0
        ? command.commands.map((child) => `${command.name()} ${child.name()}`)
        : [command.name()],
    );
    expect(Object.keys(EXAMPLES).sort()).toEqual(names.sort());
    for (const [name, examples] of Object.entries(EXAMPLES))
      for (const example of examples) expect(example.startsWith(`dethrone ${name}`), example).toBe(true);
  });
});

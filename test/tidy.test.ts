import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../src/core/errors.js";

const root = fileURLToPath(new URL("..", import.meta.url));

interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** without comments */
  readonly code: string;
}

function files(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => {
      const text = readFileSync(join(root, folder, name), "utf8");
      return { name: `${folder}/${name}`, text, code: text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "") };
    });
}

const source = files("src");
const tests = files("test");

/** Which layers a layer may import from. */
const LAYERS: Record<string, string[]> = {
  core: ["core"],
  engine: ["core", "engine"],
  store: ["core", "store", "engine/ports"],
  client: ["core", "engine", "server/contract", "client"],
  server: ["core", "engine", "server", ""],
  integrations: ["core", "engine", "integrations", "version.js"],
  cli: ["core", "engine", "store", "server", "integrations", "cli", ""],
};

/** The files and Node modules that the values imported by a file, and by those it imports, come from. */
function reachedFrom(entry: string, reached = new Set<string>()): Set<string> {
  if (reached.has(entry)) return reached;
  reached.add(entry);
  const { code } = source.find(({ name }) => name === entry) as SourceFile;
  for (const [, path] of code.matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)";/gm)) {
    if (path?.startsWith("node:")) reached.add(path);
    if (path?.startsWith(".")) reachedFrom(join(dirname(entry), path).replace(/\.js$/, ".ts"), reached);
  }
  return reached;
}

/** Which parts of the core a part may import from, besides itself and the files beside the parts. */
const CORE_PARTS: Record<string, string[]> = {
  numeric: [],
  sequential: ["numeric"],
  sessions: ["sequential", "decision"],
  decision: ["numeric", "sequential", "sessions"],
  simulation: ["numeric", "sequential", "sessions", "decision"],
};

describe("the house rules", () => {
  it("core is pure: no clock, no ambient randomness, no async, no node", () => {
    const banned = [
      /\bMath\.random\b/,
      /\bDate\b/,
      /\basync\b/,
      /\bawait\b/,
      /[^-]\bprocess\./,
      /from "(?!\.{1,2}\/)/,
    ];
    const offences = source
      .filter(({ name }) => name.startsWith("src/core/"))
      .flatMap(({ name, code }) =>
        banned.filter((pattern) => pattern.test(code)).map((pattern) => `${name}: ${pattern}`),
      );
    expect(offences).toEqual([]);
  });

  it("no layer imports outwards", () => {
    const offences = source.flatMap(({ name, code }) => {
      const [, layer] = name.split("/") as [string, string];
      const allowed = LAYERS[layer];
      if (!allowed) return [];
      const depth = name.split("/").length - 3;
      const imports = [...code.matchAll(/from "((?:\.\.?\/)+)([^"]+)"/g)];
      return imports
        .map(([, ups, path]) => {
          const up = ups === "./" ? 0 : (ups as string).length / 3;
          return up > depth ? (path as string) : `${layer}/${path}`;
        })
        .filter(
          (path) =>
            !allowed.some((prefix) => (prefix === "" ? !path.includes("/") : path.startsWith(prefix))),
        )
        .map((path) => `${name} imports ${path}`);
    });
    expect(offences).toEqual([]);
  });

  it("the server knows the engine by its types, its words and its simulations alone", () => {
    const offences = source
      .filter(({ name }) => name.startsWith("src/server/"))
      .flatMap(({ name, code }) =>
        [
          ...code.matchAll(
            /^import (?!type\b)[^;]*? from "(?:\.\.\/)+engine\/(?!words\/|simulations\.js)[^"]+"/gm,
          ),
        ].map(([found]) => `${name}: ${found}`),
      );
    expect(offences).toEqual([]);
  });

  it("within the core, numbers know nothing of tests, and tests nothing of decisions", () => {
    const offences = source.flatMap(({ name, code }) => {
      const [, layer, part] = name.split("/") as [string, string, string];
      const allowed = layer === "core" ? CORE_PARTS[part] : undefined;
      if (!allowed) return [];
      return [...code.matchAll(/from "\.\.\/([a-z-]+)\//g)]
        .map(([, imported]) => imported as string)
        .filter((imported) => !allowed.includes(imported))
        .map((imported) => `${name} imports ${imported}`);
    });
    expect(offences).toEqual([]);
  });

  it("what runs without Node asks for nothing of Node's", () => {
    const reached = ["src/core/index.ts", "src/client/index.ts"].flatMap((entry) => [...reachedFrom(entry)]);
    expect(reached.filter((name) => name.startsWith("node:"))).toEqual([]);
  });

  it("a client loads nothing of the store's or the server's, whose schemas would outweigh it", () => {
    const loaded = [...reachedFrom("src/client/index.ts")];
    expect(loaded.filter((name) => /^src\/(server|store|cli)\//.test(name))).toEqual([]);
    expect(loaded).toContain("src/engine/sessions/router.ts");
  });

  it("files stay under 400 lines", () => {
    const long = source.filter(({ text }) => text.split("\n").length > 401);
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  it("no leftovers, no suppressions, no any", () => {
    const banned = [
      /\b(TODO|FIXME|XXX)\b/,
      /@ts-ignore/,
      /@ts-expect-error/,
      /biome-ignore/,
      /(v8|istanbul) ignore/,
      /\bas any\b/,
      /: any[;,)\]>]/,
      /\b(it|test|describe)\.(skip|only|todo)\b/,
    ];
    const offences = [...source, ...tests]
      .filter(({ name }) => name !== "test/tidy.test.ts")
      .flatMap(({ name, text }) =>
        banned.filter((pattern) => pattern.test(text)).map((pattern) => `${name}: ${pattern}`),
      );
    expect(offences).toEqual([]);
  });

  it("every error code is thrown somewhere and demanded by a test", () => {
    const thrown = source
      .filter(({ name }) => name !== "src/core/errors.ts")
      .map(({ text }) => text)
      .join("\n");
    const tested = tests.map(({ text }) => text).join("\n");
    const helper = { numeric_domain: "domainError" } as Record<string, string>;
    expect(
      ERROR_CODES.filter((code) => !thrown.includes(`"${code}"`) && !thrown.includes(helper[code] ?? "\0")),
    ).toEqual([]);
    const unreachable = ["stored_data_invalid"];
    expect(
      ERROR_CODES.filter((code) => !tested.includes(`"${code}"`) && !unreachable.includes(code)),
    ).toEqual([]);
  });

  it("every exported name of the package has a docstring", () => {
    const offences = source
      .filter(({ name }) => !name.endsWith("index.ts"))
      .flatMap(({ name, text }) => {
        const lines = text.split("\n");
        return lines.flatMap((line, index) => {
          const isExport = /^export (async )?(function|class|const|interface|type) \w/.test(line);
          if (!isExport || lines[index - 1]?.endsWith("*/")) return [];
          return [`${name}:${index + 1} ${line.slice(0, 60)}`];
        });
      });
    expect(offences).toEqual([]);
  });

  it("the journal of migrations only grows in time", () => {
    const journal = JSON.parse(readFileSync(join(root, "drizzle/meta/_journal.json"), "utf8")) as {
      entries: { when: number }[];
    };
    const times = journal.entries.map((entry) => entry.when);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(times.length).toBeGreaterThan(0);
  });

  it("the sources name no machine", () => {
    const offences = [...source, ...tests].filter(
      ({ name, text }) => name !== "test/tidy.test.ts" && /\/work\/|\/root\//.test(text),
    );
    expect(offences.map(({ name }) => name)).toEqual([]);
  });
});

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { exports: entries } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, { readonly types: string; readonly default: string }>;
};

/** Packages that a built file imports, and the files it does, imports. */
function packagesOf(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  for (const [, path] of code.matchAll(/(?:from|import\(|import) ?"([^"]+)"/g)) {
    if (path?.startsWith(".")) packagesOf(join(dirname(file), path), seen, packages);
    else packages.add(path as string);
  }
  return packages;
}

describe("the entries of the package", () => {
  const adapters = {
    "./openfeature": ["openFeatureProvider"],
    "./otel": ["SignalProcessor", "openTelemetry"],
    "./judges": ["commandJudge", "judge", "regexJudge"],
    "./ai-sdk": ["runSettings", "sessionAgent", "sessionMiddleware"],
    "./openai-agents": ["agentSettings", "sessionModel", "sessionRun"],
    "./langgraph": ["runSettings", "sessionGraph"],
    "./mcp": ["createMcpServer"],
    "./client": [
      "DethroneError",
      "callbackSink",
      "codeGuard",
      "createClient",
      "currentSession",
      "fromBaggage",
      "isDethroneError",
      "logSink",
      "noopSink",
      "recordingSink",
      "toBaggage",
    ],
    "./server": ["createApp", "dashboard", "listen", "openApiDocument", "renderReport"],
  };

  it.each(Object.entries(adapters))("%s exports its names, and no more", async (entry, names) => {
    const { default: file, types } = entries[entry]!;
    expect(Object.keys(await import(pathToFileURL(join(root, file)).href)).sort()).toEqual(names);
    expect(existsSync(join(root, types))).toBe(true);
  });

  it.each(Object.keys(adapters))("%s imports none of the packages it adapts to, nor the store", (entry) => {
    const files = new Set<string>();
    const packages = packagesOf(join(root, entries[entry]!.default), files);
    expect(
      [...packages].filter((name) =>
        /^@(openfeature|opentelemetry|openai|langchain)|libsql|drizzle/.test(name),
      ),
    ).toEqual([]);
    expect(files.size).toBeGreaterThan(1);
  });
});

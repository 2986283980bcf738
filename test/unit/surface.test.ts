import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as client from "../../src/client/index.js";
import * as server from "../../src/server/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  exports: Record<string, string | { types: string; default: string }>;
};

it("every entry of the package is built, with its types", () => {
  const missing = Object.values(exports)
    .flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)))
    .filter((path) => !existsSync(`${root}${path}`));
  expect(missing).toEqual([]);
});

it("dethrone/server has these names and no others", () => {
  expect(Object.keys(server).sort()).toEqual(["createApp", "dashboard", "listen", "openApiDocument"]);
});

it("dethrone/client has these names and no others", () => {
  expect(Object.keys(client).sort()).toEqual([
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
  ]);
});

/**
 * Packs the package and installs the tarball into a project of its own outside the repository, with the real packages that
 * its adapters are for; and the runtimes it is tried on.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

const PEERS = [
  "@langchain/core",
  "@langchain/langgraph",
  "@modelcontextprotocol/sdk",
  "@openai/agents",
  "@openfeature/core",
  "@openfeature/server-sdk",
  "@opentelemetry/api",
  "ai",
  "zod",
];

/** Of Next.js, which the repository itself does without. */
const NEXT = ["next@16", "react@19", "react-dom@19"];

/** What `npm pack --json` tells of a tarball. */
export interface Tarball {
  readonly filename: string;
  /** bytes, packed and unpacked */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

declare module "vitest" {
  interface ProvidedContext {
    /** the folder of the project, where all peers are installed too */
    app: string;
    /** the tarball's path, and what is in it */
    tarball: string;
    contents: Tarball;
    /** what the installation said */
    installed: string;
    /** programs by name; null for a runtime that is not to be had */
    runtimes: Record<string, string | null>;
  }
}

/** A package as the tests of the repository have it. */
async function pinned(name: string): Promise<string> {
  const path = join(root, "node_modules", name, "package.json");
  return `${name}@${(JSON.parse(await readFile(path, "utf8")) as { version: string }).version}`;
}

let folder: string;

/** @returns nothing; what it has made is provided */
export async function setup(project: TestProject): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "dethrone-packed-"));
  const npm = (...args: string[]) => run("npm", args, { cwd: folder, maxBuffer: 1e8 });
  const packed = await npm("pack", root, "--json", "--ignore-scripts");
  const [contents] = JSON.parse(packed.stdout) as [Tarball];
  const tarball = join(folder, contents.filename);
  await writeFile(join(folder, "package.json"), '{"private":true,"type":"module"}\n');
  const peers = await Promise.all(PEERS.map(pinned));
  const installed = await npm("install", "--no-audit", "--no-fund", tarball, ...peers, ...NEXT);
  const { stdout, stderr } = await run(process.execPath, [join(root, "scripts/runtimes.mjs")]);
  process.stderr.write(stderr);
  project.provide("app", folder);
  project.provide("tarball", tarball);
  project.provide("contents", contents);
  project.provide("installed", `${installed.stdout}${installed.stderr}`);
  project.provide("runtimes", JSON.parse(stdout));
}

/** Takes the project away. */
export async function teardown(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

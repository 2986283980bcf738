/**
 * `configs`, `diff`, `label` and `export champion`: the configs of a project.
 */
import { writeFileSync } from "node:fs";
import { DethroneError, type Json, type JsonObject } from "../../core/errors.js";
import { short } from "../../core/words/names.js";
import { identifyConfig } from "../../engine/configs/config.js";
import { diffConfigs } from "../../engine/configs/diff.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import type { ProjectConfig } from "../../engine/ports.js";
import { configOfFile } from "../config-flags.js";
import { diffText } from "../config-views.js";
import { lineageText } from "../lineage-views.js";
import { configName, configNamed } from "../names.js";
import { withEngine } from "../open.js";
import type { CommandContext, ReasonFlags } from "./context.js";

/** `configs PROJECT` */
export async function configs(context: CommandContext, key: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    const entries = await (await engine.project(key)).configs();
    context.output.result({ project: key, configs: entries }, () =>
      lineageText(key, entries, context.output.colors),
    );
  });
}

const identity = ({ hash, label }: ProjectConfig): JsonObject => ({ hash, label });

/** A config by its name, with its hash beside a label. */
const fullName = (config: ProjectConfig): string =>
  config.label === null ? short(config.hash) : `${configName(config)} (${short(config.hash)})`;

/** `diff PROJECT BEFORE AFTER` */
export async function diff(
  context: CommandContext,
  key: string,
  before: string,
  after: string,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const left = await configNamed(store, state, before);
    const right = await configNamed(store, state, after);
    const changes = diffConfigs(left.body, right.body);
    const { colors } = context.output;
    context.output.result({ project: key, before: identity(left), after: identity(right), changes }, () =>
      [
        colors.bold(`${fullName(left)} -> ${fullName(right)}`),
        diffText(changes, colors) || "  (no difference)",
      ].join("\n"),
    );
  });
}

/** `label PROJECT CONFIG NAME` */
export async function label(
  context: CommandContext,
  key: string,
  ref: string,
  name: string,
  { reason }: ReasonFlags,
): Promise<void> {
  const wanted = name === "none" ? null : name;
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const { hash } = await configNamed(store, await requireProject(store, key), ref);
    const project = await engine.project(key);
    await project.label(hash, wanted, { reason, actor: context.actor });
    context.output.result({ project: key, action: "label", reason, config: hash, label: wanted }, () =>
      wanted === null ? `${short(hash)} has no label any more.` : `${short(hash)} is called ${wanted}.`,
    );
  });
}

/** Flags of `export champion`. */
export interface ExportFlags {
  readonly output?: string;
  readonly check?: string;
}

/** The same value with the keys of all objects in order. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value as JsonObject);
  // By code units, so that the file is the same whatever the machine's language.
  fields.sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(fields.map(([key, field]) => [key, sorted(field)]));
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new DethroneError(
      "input_invalid",
      `Cannot write ${path}: ${(error as Error).message}.`,
      { received: path },
      { cause: error },
    );
  }
}

/** `export champion PROJECT` */
export async function exportChampion(
  context: CommandContext,
  key: string,
  { output: path, check }: ExportFlags,
): Promise<void> {
  if (path !== undefined && check !== undefined)
    throw new DethroneError("usage_invalid", "Give --output or --check, not both.", {});
  const inFile = check === undefined ? null : configOfFile(check);
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const champion = await configNamed(store, state, "champion");
    if (check !== undefined && inFile) return checkFile(context, { key, champion, check, inFile });
    const text = `${JSON.stringify(sorted(champion.body), null, 2)}\n`;
    if (path !== undefined) write(path, text);
    const result = { project: key, ...identity(champion), config: sorted(champion.body) };
    const told = path === undefined ? text.trimEnd() : `Wrote champion ${fullName(champion)} to ${path}.`;
    context.output.result({ ...result, file: path ?? null }, () => told);
  });
}

interface Checked {
  readonly key: string;
  readonly champion: ProjectConfig;
  readonly check: string;
  readonly inFile: JsonObject;
}

/** @throws DethroneError `champion_differs` */
function checkFile(context: CommandContext, { key, champion, check, inFile }: Checked): void {
  const { output } = context;
  const { hash } = identifyConfig(inFile);
  if (hash === champion.hash) {
    const result = { project: key, ...identity(champion), file: check, isEqual: true };
    output.result(result, () => `${check} is the champion of ${key}, ${fullName(champion)}.`);
    return;
  }
  const changes = diffConfigs(inFile, champion.body);
  if (!output.isJson) {
    const title = output.colors.bold(`${check} -> champion ${fullName(champion)}`);
    output.result(changes, () => `${title}\n${diffText(changes, output.colors)}`);
  }
  throw new DethroneError(
    "champion_differs",
    `${check} is not the champion of ${key}. Bring it up to date with: dethrone export champion ${key} --output ${check}`,
    {
      project: key,
      file: check,
      received: hash,
      champion: champion.hash,
      changes: changes as unknown as Json,
    },
  );
}

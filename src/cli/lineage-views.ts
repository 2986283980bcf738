/**
 * What people see of a project's configs: the tree of which came from which. Data in, text out.
 */

import { short } from "../core/words/names.js";
import { plural } from "../core/words/numbers.js";
import type { ConfigEntry, ConfigReign } from "../engine/configs/lineage.js";
import { clipped, configName } from "./names.js";
import { type Colors, table, textWidth } from "./render.js";
import { lineWidth, minuteText, wrapped } from "./views.js";

/** A config in its place: what is drawn before its name, and before the lines below it. */
interface Node {
  readonly entry: ConfigEntry;
  readonly branch: string;
  readonly below: string;
}

function childrenOf(entries: readonly ConfigEntry[], parent: ConfigEntry): readonly ConfigEntry[] {
  return entries.filter((entry) => entry.parent === parent.hash && entry.hash !== parent.hash);
}

function subtree(
  entries: readonly ConfigEntry[],
  entry: ConfigEntry,
  before: string,
  isLast: boolean,
): Node[] {
  const isRoot = before === "" && entry.parent === null;
  const branch = isRoot ? "" : `${before}${isLast ? "└─ " : "├─ "}`;
  const children = childrenOf(entries, entry);
  const inside = isRoot ? "" : `${before}${isLast ? "   " : "│  "}`;
  const below = `${inside}${children.length > 0 ? "│" : ""}`;
  const nodes = children.flatMap((child, index) =>
    subtree(entries, child, inside, index === children.length - 1),
  );
  return [{ entry, branch, below }, ...nodes];
}

const CAUSE = { created: "", promoted: " (promoted)", rollback: " (rolled back)" } as const;

const DAY_LENGTH = "2026-12-01".length;

function reignText({ cause, fromMs, untilMs }: ConfigReign): string {
  const from = minuteText(fromMs);
  if (untilMs === null) return `since ${from}${CAUSE[cause]}`;
  const until = minuteText(untilMs);
  const isSameDay = until.slice(0, DAY_LENGTH) === from.slice(0, DAY_LENGTH);
  return `${from} to ${isSameDay ? until.slice(DAY_LENGTH + 1) : until}${CAUSE[cause]}`;
}

function roleText({ role }: ConfigEntry, colors: Colors): string {
  const paint = {
    champion: colors.green,
    contending: colors.magenta,
    "former champion": colors.blue,
    challenger: colors.dim,
    elsewhere: colors.dim,
  }[role];
  return paint(role);
}

const CHANGES_MAX = 4;

function changesText({ parent, changes }: ConfigEntry): string {
  if (parent === null || changes.length === 0) return "";
  const paths = changes.map(({ path, kind }) => {
    const place = path.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
    return kind === "changed" ? place : `${place} ${kind}`;
  });
  const hidden = paths.length - CHANGES_MAX;
  const shown = paths.slice(0, CHANGES_MAX).map((path) => clipped(path, 30));
  return `changes ${[...shown, ...(hidden > 0 ? [`${hidden} more`] : [])].join(", ")}`;
}

/** What is said below a config: its earlier reigns, what it changed, by whom and why. */
function noteLines(entry: ConfigEntry, width: number): string[] {
  const { reigns, actor, reason, addedAtMs, parent } = entry;
  const earlier = reigns.slice(0, -1).map((reign) => `champion ${reignText(reign)}`);
  const added = `${parent === null ? "created" : "added"} ${minuteText(addedAtMs)} by ${clipped(actor, 20)}`;
  const lines = [...earlier, changesText(entry), reason === null ? added : `${added}: ${reason}`];
  return lines.filter((line) => line !== "").flatMap((line) => wrapped(line, width).split("\n"));
}

/** The configs of a project as a tree: which came from which, where each stands, when it reigned, by whom and why. */
export function lineageText(key: string, entries: readonly ConfigEntry[], colors: Colors): string {
  const hashes = new Set(entries.map(({ hash }) => hash));
  const roots = entries.filter(({ parent }) => parent === null || !hashes.has(parent));
  const nodes = roots.flatMap((root, index) => subtree(entries, root, "", index === roots.length - 1));
  const rows = nodes.map(({ entry, branch }) => [
    `${colors.dim(branch)}${colors.bold(configName(entry))}`,
    entry.label === null ? "" : colors.dim(short(entry.hash)),
    roleText(entry, colors),
    entry.reigns.length === 0 ? "" : reignText(entry.reigns.at(-1) as ConfigReign),
  ]);
  const indent = Math.max(0, ...nodes.map(({ entry, branch }) => textWidth(branch + configName(entry)))) + 2;
  const [head = "", ...lines] = table(rows, {
    header: ["config", "hash", "role", "champion (UTC)"],
    align: ["left", "left", "left", "left"],
    colors,
  }).split("\n");
  const drawn = lines.flatMap((line, index) => {
    const { entry, below } = nodes[index] as Node;
    const notes = noteLines(entry, lineWidth() - indent);
    return [line, ...notes.map((note) => colors.dim(`${below.padEnd(indent)}${note}`))];
  });
  return [`${colors.bold(key)}  ${plural(entries.length, "config")}`, head, ...drawn].join("\n");
}

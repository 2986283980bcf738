/** The project's Markdown pages, and what is in them that can be checked. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** A fenced block of code. */
export interface Fence {
  /** page and line, as in `docs/FAQ.md:12` */
  readonly at: string;
  readonly page: string;
  readonly language: string;
  readonly code: string;
  /** why it is not run, as an HTML comment above it says: `<!-- not run: why -->` */
  readonly notRun: string | undefined;
  /** what its output and the page both have to say, as a comment below it tells: `<!-- figures: 32.6 %, 4.8 % -->` */
  readonly figures: readonly string[];
  /** the lines it prints, as a block of `text` below it shows; `...` stands for some that are left out */
  readonly output: readonly string[];
}

/** The lines of a block of text that is next to come after a line. */
function shownAfter(lines: readonly string[], end: number): string[] {
  const next = lines.findIndex((line, at) => at > end && line.trim() !== "" && !line.startsWith("<!--"));
  if (lines[next] !== "```text") return [];
  const shown = lines.slice(next + 1, lines.indexOf("```", next));
  return shown.filter((line) => line.trim() !== "" && line.trim() !== "...");
}

/** Pages by their path from the project's folder. */
export function pagesOf(folder = ROOT): string[] {
  const inDocs = readdirSync(join(folder, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name));
  return [...readdirSync(folder).filter((name) => name.endsWith(".md")), ...inDocs].sort();
}

/** A page's text. */
export const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** The fences of a page, also those within lists. */
export function fencesOf(page: string, text = textOf(page)): Fence[] {
  const lines = text.split("\n");
  const fences: Fence[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, language] = /^( *)```(\S*)/.exec(lines[index] as string) ?? [];
    if (indent === undefined || language === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && line.trim() === "```");
    if (end < 0) throw new Error(`${page}:${index + 1}: a fence has no end`);
    const above = lines.slice(0, index).findLast((line) => line.trim() !== "") ?? "";
    fences.push({
      at: `${page}:${index + 1}`,
      ...{ page, language },
      code: lines
        .slice(index + 1, end)
        .map((line) => line.slice(indent.length))
        .join("\n"),
      notRun: /^ *<!-- not run: (.+) -->$/.exec(above)?.[1],
      figures: /^ *<!-- figures: (.+) -->$/.exec(lines[end + 1] ?? "")?.[1]?.split(", ") ?? [],
      output: language === "sh" ? shownAfter(lines, end) : [],
    });
    index = end;
  }
  return fences;
}

const withoutCode = (text: string): string =>
  text.replace(/^( *)```[\s\S]*?^ *```$/gm, "").replace(/`[^`\n]*`/g, (span) => "x".repeat(span.length));

/** A heading's anchor, as GitHub makes it. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

/** The anchors of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [
    ...textOf(page)
      .replace(/^( *)```[\s\S]*?^ *```$/gm, "")
      .matchAll(/^#{1,6} (.+)$/gm),
  ];
  const seen = new Map<string, number>();
  return new Set(
    headings.map(([, heading]) => {
      const anchor = slug(heading as string);
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

/** Links and pictures of a page that lead nowhere, and pages named in words that are not there. */
export function deadLinksOf(page: string): string[] {
  const text = withoutCode(textOf(page));
  const targets = [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string),
    ...[...text.matchAll(/(?:src|srcset|href)="([^"]+)"/g)].map(([, target]) => target as string),
  ].filter((target) => !/^(https?:|mailto:)/.test(target));
  return targets.filter((target) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).has(anchor);
  });
}

/** What a command prints to a terminal, as a picture: SVG that follows the reader's light or dark, aligned in any font. */
import { stripVTControlCharacters } from "node:util";

const CELL = { width: 8.4, height: 18 } as const;
const MARGIN = 16;

/** Colours by the codes that the command line uses, in the light and in the dark. */
const COLOURS: Readonly<Record<string, readonly [name: string, light: string, dark: string]>> = {
  31: ["red", "#b42318", "#ff8379"],
  32: ["green", "#17693a", "#5fd38d"],
  33: ["yellow", "#8a5a00", "#e8b64c"],
  34: ["blue", "#1849a9", "#84b6ff"],
  35: ["magenta", "#8e2a8b", "#e79be5"],
  36: ["cyan", "#0b6b7a", "#5fd0e0"],
  90: ["gray", "#667085", "#98a2b3"],
};

interface Run {
  readonly text: string;
  readonly classes: string;
}

const ESCAPE = "\u001b[";

/** What a code takes back: bold and dim, a colour, everything. */
const ENDS: Readonly<Record<string, RegExp>> = { 22: /^[12]$/, 39: /^[39]\d$/, 0: /^/ };

/** A line's runs of one look each; what is not ended goes on in the next line. */
function runsOf(line: string, codes: Set<string>): Run[] {
  const [first = "", ...coded] = line.split(ESCAPE);
  const classes = (): string =>
    [...codes].map((code) => COLOURS[code]?.[0] ?? { 1: "bold", 2: "dim" }[code] ?? "").join(" ");
  const runs: Run[] = [{ text: first, classes: classes() }];
  for (const part of coded) {
    const [code = "", text = ""] = part.split(/m(.*)/s);
    const ended = ENDS[code];
    if (ended === undefined) codes.add(code);
    else for (const open of codes) if (ended.test(open)) codes.delete(open);
    runs.push({ text, classes: classes() });
  }
  return runs.filter(({ text }) => text !== "");
}

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char] as string);

function lineText(runs: readonly Run[], top: number): string {
  let column = 0;
  return runs
    .map(({ text, classes }) => {
      const x = (MARGIN + column * CELL.width).toFixed(1);
      const length = [...text].length;
      column += length;
      // Without a length of its own a run of braille or boxes would be as wide as the reader's font likes.
      const width = (length * CELL.width).toFixed(1);
      return text.trim() === ""
        ? ""
        : `<text x="${x}" y="${top}" textLength="${width}" lengthAdjust="spacingAndGlyphs"${classes && ` class="${classes}"`}>${escaped(text)}</text>`;
    })
    .join("");
}

/**
 * @param command what was typed, shown above
 * @param output what came of it, with the terminal's codes
 */
export function terminalPicture(command: string, output: string): string {
  const lines = [`$ npx dethrone ${command}`, "", ...output.trimEnd().split("\n")];
  const codes = new Set<string>();
  const columns = Math.max(...lines.map((line) => [...stripVTControlCharacters(line)].length));
  const [width, height] = [columns * CELL.width + 2 * MARGIN, lines.length * CELL.height + 2 * MARGIN];
  const text = lines.map((line, index) => lineText(runsOf(line, codes), MARGIN + 13 + index * CELL.height));
  const looks = (of: 1 | 2) =>
    Object.values(COLOURS)
      .map((colour) => `.${colour[0]}{fill:${colour[of]}}`)
      .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" height="${height}" role="img">
<title>${escaped(`npx dethrone ${command}`)}</title>
<style>
rect{fill:#fbfbfd;stroke:#d0d5dd}text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1d2939}
.bold{font-weight:700}.dim{opacity:.7}${looks(1)}
@media (prefers-color-scheme:dark){rect{fill:#12151c;stroke:#344054}text{fill:#e4e7ec}${looks(2)}}
</style>
<rect x=".5" y=".5" width="${(width - 1).toFixed(0)}" height="${height - 1}" rx="8"/>
${text.filter(Boolean).join("\n")}
</svg>
`;
}

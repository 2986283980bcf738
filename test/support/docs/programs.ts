/**
 * The TypeScript of the pages as programs: a block that imports from `dethrone` begins one, what follows on the page without
 * doing so goes on with it.
 */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { type Fence, ROOT } from "./markdown.js";
import { AMBIENT, PRELUDES, STAND_INS } from "./reader.js";

const run = promisify(execFile);

/** Where the programs of a test lie: in the package, whose name they import as its users do. */
const folderOf = (test: string): string => join(ROOT, "reports/docs", test);

/** Blocks of a page that are one program. */
export interface Program {
  readonly name: string;
  readonly at: string;
  readonly code: string;
  readonly notRun: string | undefined;
}

/** The programs of a page's blocks. */
export function programsOf(fences: readonly Fence[]): Program[] {
  const groups: Fence[][] = [];
  for (const fence of fences) {
    const isNew = / from "dethrone(\/[\w-]+)?"/.test(fence.code);
    if (isNew || groups.length === 0) groups.push([fence]);
    else (groups.at(-1) as Fence[]).push(fence);
  }
  return groups.map((group) => {
    const [first] = group as [Fence];
    return {
      name: first.at.replace(/\W+/g, "-"),
      at: first.at,
      code: group.map(({ code }) => code).join("\n"),
      notRun: group.find(({ notRun }) => notRun !== undefined)?.notRun,
    };
  });
}

/** Writes all programs as one project of TypeScript's, with stand-ins for what the package does not come with. */
export function writePrograms(test: string, programs: readonly Program[]): void {
  const folder = folderOf(test);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, path, types, code } of STAND_INS) {
    const home = join(folder, "node_modules", name);
    mkdirSync(home, { recursive: true });
    const exports = { [`./${path}`]: { types: `./${path}.d.ts`, default: `./${path}.js` } };
    writeFileSync(join(home, "package.json"), JSON.stringify({ type: "module", exports }));
    writeFileSync(join(home, `${path}.d.ts`), types);
    writeFileSync(join(home, `${path}.js`), code);
  }
  writeFileSync(join(folder, "reader.d.ts"), AMBIENT);
  for (const { name, code } of programs) writeFileSync(join(folder, `${name}.ts`), code);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        ...{ strict: true, noEmit: true, skipLibCheck: true, target: "es2022", types: ["node"] },
        ...{ module: "nodenext", lib: ["es2023", "dom", "dom.iterable"] },
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      include: ["*.ts"],
    }),
  );
}

/** What the compiler says of them all; empty where it says nothing. */
export async function typeErrors(test: string): Promise<string> {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { stdout } = await run(tsc, ["-p", "."], { cwd: folderOf(test) }).catch((error) => error);
  return stdout;
}

/** What a program prints, run in a folder of its own; the server it names is replaced by the one given. */
export async function runProgram(
  test: string,
  { name, code }: Program,
  cwd: string,
  server: string,
): Promise<string> {
  const needed = Object.entries(PRELUDES).filter(([word]) => new RegExp(`\\b${word}\\(`).test(code));
  const body = code
    .replaceAll("http://127.0.0.1:4700", server)
    // On a busy machine an engine may start before its database has answered, and says so; this one waits.
    .replaceAll("createEngine({", "createEngine({ strict: true,");
  const source = `${needed.map(([, prelude]) => prelude).join("")}${body}`;
  const { code: script } = await transform(source, { loader: "ts", target: "node20" });
  const file = join(folderOf(test), `${name}.mjs`);
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, [file], { cwd });
  // A busy machine may take longer than a session waits for the database, which is said and changes no output.
  const complaints = stderr.replace(/.*is not known in time.*\n/g, "");
  if (complaints !== "") throw new Error(complaints);
  return stdout;
}

/** What a program's comments say it prints: `console.log(x); // this`, up to `...` where only the beginning is told. */
export function promisedLines({ code }: Program): string[] {
  return [...code.matchAll(/^ *console\.log\(.*\); \/\/ (.+)$/gm)]
    .map(([, said]) => (said as string).replace(/^"(.*)"$/, "$1"))
    .filter((said) => !said.startsWith("["));
}

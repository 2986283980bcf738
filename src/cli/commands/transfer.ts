/**
 * Data out of a database, and from one to another: `export`, `copy`.
 */
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DethroneError } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import type { RecordFormat } from "../../engine/transfer/record-lines.js";
import type { RecordKind } from "../../engine/transfer/records.js";
import { type Opened, withEngine } from "../open.js";
import { copyText, exportText } from "../transfer-views.js";
import type { CommandContext } from "./context.js";

/** Flags of `export`. */
export interface ExportFlags {
  readonly what: RecordKind | "everything";
  readonly format: RecordFormat;
  readonly project?: string;
  readonly out: string;
}

const STANDARD_OUTPUT = "-";

/** @throws DethroneError `usage_invalid` */
function checkExport({ what, format, project, out }: ExportFlags, isJson: boolean): void {
  const wrong =
    what === "everything" && format === "csv"
      ? "Everything is many tables, which one CSV cannot hold: export each kind of record with --what, or use --format jsonl"
      : what === "everything" && project !== undefined
        ? "Everything is of all projects: choose one kind of record with --what, or leave --project out"
        : isJson && format === "csv" && out === STANDARD_OUTPUT
          ? "With --json nothing but JSON is printed: name a file for the CSV with --out"
          : null;
  if (wrong !== null) throw new DethroneError("usage_invalid", `${wrong}.`, { what, format });
}

/** What agents have left beside the database while it was away belongs to what is stored. */
async function recovered({ engine, store }: Opened): Promise<Engine> {
  await store.recover();
  return engine;
}

/** Prints as fast as it is read. Whoever has read enough, as `head` does, closes the pipe. */
async function print(lines: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(lines), process.stdout, { end: false });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EPIPE") throw error;
  }
}

/** Writes to a new file, which is gone again where that fails. */
async function writeFile(path: string, lines: AsyncIterable<string>): Promise<void> {
  try {
    // It has what the database has, and is for the same eyes.
    await pipeline(Readable.from(lines), createWriteStream(path, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EEXIST")
      throw new DethroneError("file_exists", `There is a file ${path} already. Name one that is not there.`, {
        file: path,
      });
    await rm(path, { force: true });
    if (typeof code !== "string" || !code.startsWith("E")) throw error;
    throw new DethroneError("input_invalid", `Cannot write ${path}: ${(error as Error).message}.`, {
      file: path,
    });
  }
}

/** `export` */
export async function exportAll(context: CommandContext, flags: ExportFlags): Promise<void> {
  const { output } = context;
  const { what, out, project, format } = flags;
  checkExport(flags, output.isJson);
  const bar = output.progress();
  await withEngine(context.url, { mustExist: true, takesSpool: true }, async (opened) => {
    const engine = await recovered(opened);
    const lines =
      what === "everything"
        ? engine.transfer.exportEverything({ onProgress: bar.update })
        : engine.transfer.exportLines({ what, project, format });
    if (out === STANDARD_OUTPUT) await print(lines);
    else await writeFile(out, lines);
  }).finally(() => bar.end());
  if (out !== STANDARD_OUTPUT) output.result({ file: out, what }, () => exportText(out, what));
}

/** `copy FROM TO` */
export async function copy(context: CommandContext, from: string, to: string): Promise<void> {
  const { output } = context;
  const bar = output.progress();
  const result = await withEngine(from, { mustExist: true, takesSpool: true }, async (opened) => {
    const source = await recovered(opened);
    return withEngine(to, { mustExist: false }, ({ engine }) =>
      source.transfer.copyTo(engine, { onProgress: bar.update }),
    );
  }).finally(() => bar.end());
  output.result({ from, to, ...result }, () => copyText(result, to, output.colors));
}

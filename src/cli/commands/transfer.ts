/**
 * Data out of a database, and from one to another: `export`, `copy`.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import type { RecordFormat } from "../../engine/transfer/record-lines.js";
import { RECORD_FIELDS, type RecordKind } from "../../engine/transfer/records.js";
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
    what === "everything" && format === "csv" && out === STANDARD_OUTPUT
      ? "Everything as CSV is many files: name a new folder for them with --out"
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

function notWritten(path: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "EEXIST") {
    const advice = `There is a file ${path} already. Name one that is not there.`;
    return new DethroneError("file_exists", advice, { file: path });
  }
  if (typeof code !== "string" || !code.startsWith("E")) return error;
  return new DethroneError("input_invalid", `Cannot write ${path}: ${String(message)}.`, { file: path });
}

/** Writes to a new file, which is gone again where that fails. */
async function writeFile(path: string, lines: AsyncIterable<string>): Promise<void> {
  try {
    // It has what the database has, and is for the same eyes.
    await pipeline(Readable.from(lines), createWriteStream(path, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    const failure = notWritten(path, error);
    if (!isDethroneError(failure) || failure.code !== "file_exists") await rm(path, { force: true });
    throw failure;
  }
}

/** Writes a file of each kind of record into a new folder. */
async function writeFolder(path: string, { transfer }: Engine): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    throw notWritten(path, error);
  }
  for (const what of Object.keys(RECORD_FIELDS) as RecordKind[])
    await writeFile(join(path, `${what}.csv`), transfer.exportLines({ what, format: "csv" }));
}

/** `export` */
export async function exportAll(context: CommandContext, flags: ExportFlags): Promise<void> {
  const { output } = context;
  const { what, out, project, format } = flags;
  checkExport(flags, output.isJson);
  const bar = output.progress();
  await withEngine(context.url, { mustExist: true, takesSpool: true }, async (opened) => {
    const engine = await recovered(opened);
    if (what === "everything" && format === "csv") return writeFolder(out, engine);
    const lines =
      what === "everything"
        ? engine.transfer.exportEverything({ onProgress: bar.update })
        : engine.transfer.exportLines({ what, project, format });
    return out === STANDARD_OUTPUT ? print(lines) : writeFile(out, lines);
  }).finally(() => bar.end());
  if (out !== STANDARD_OUTPUT) output.result({ file: out, what }, () => exportText(out, what, format));
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

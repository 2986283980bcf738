/**
 * Data into a database: `import` of an export, or of what other systems have recorded.
 */
import { createReadStream, statSync } from "node:fs";
import { DethroneError } from "../../core/errors.js";
import type { ImportFormat } from "../../engine/imports/formats.js";
import type { Mapping } from "../../engine/imports/mapping.js";
import { beginningOf } from "../../engine/imports/read-records.js";
import { EXPORT_MARK } from "../../engine/transfer/export-file.js";
import type { OpenFile } from "../../engine/transfer/lines.js";
import { withEngine } from "../open.js";
import { readJson } from "../settings.js";
import { copyText, importText } from "../transfer-views.js";
import type { CommandContext } from "./context.js";

/** Flags of `import`. */
export interface ImportFlags {
  readonly project?: string;
  readonly format?: ImportFormat;
  readonly map?: string;
  readonly dryRun?: boolean;
  readonly resume?: boolean;
  readonly strict?: boolean;
  readonly allowSecret?: readonly string[];
}

/** A file named by the user, in pieces; `onBytes` is told of each. @throws DethroneError `input_invalid` */
function fileAt(path: string, onBytes: (count: number) => void = () => undefined): OpenFile {
  return async function* () {
    try {
      for await (const piece of createReadStream(path, { highWaterMark: 2 ** 18 })) {
        onBytes((piece as Buffer).length);
        yield piece as Buffer;
      }
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      if (typeof code !== "string" || !code.startsWith("E")) throw error;
      throw new DethroneError("input_invalid", `Cannot read ${path}: ${message}.`, { received: path });
    }
  };
}

/** `import FILE` */
export async function importFile(context: CommandContext, path: string, flags: ImportFlags): Promise<void> {
  const beginning = await beginningOf(fileAt(path));
  if (beginning.startsWith(EXPORT_MARK)) await importExport(context, path, flags);
  else await importRecorded(context, path, flags);
}

async function importExport(context: CommandContext, path: string, flags: ImportFlags): Promise<void> {
  const given = Object.keys(flags).filter((name) => name !== "resume");
  if (given.length > 0)
    throw new DethroneError(
      "usage_invalid",
      `${path} is an export of everything, which is taken as it is: leave out ${given.join(", ")}.`,
      { received: given },
    );
  const { output, url } = context;
  const bar = output.progress();
  const result = await withEngine(url, { mustExist: false }, ({ engine }) =>
    engine.transfer.importEverything(fileAt(path), { onProgress: bar.update }),
  ).finally(() => bar.end());
  output.result({ file: path, ...result }, () => copyText(result, url, output.colors));
}

async function importRecorded(context: CommandContext, path: string, flags: ImportFlags): Promise<void> {
  const { output, actor, url } = context;
  const { project, format, map, dryRun, resume, strict, allowSecret: allowSecrets } = flags;
  if (project === undefined)
    throw new DethroneError("usage_invalid", "--project is missing: whose sessions are they?", {});
  // The engine checks what it says.
  const mapping = map === undefined ? undefined : (readJson(map) as Mapping);
  const total = statSync(path).size;
  const bar = output.progress();
  let bytes = 0;
  const open = fileAt(path, (count) => {
    bytes += count;
    bar.update(Math.min(bytes, total), total);
  });
  const options = { format, mapping, dryRun, resume, allowSecrets, actor };
  const result = await withEngine(url, { mustExist: true }, ({ engine }) =>
    engine.transfer.importSessions(project, open, options),
  ).finally(() => bar.end());
  output.result(result, () => importText(result));
  if (strict && result.refused > 0) process.exitCode = new DethroneError("input_invalid", "").exitCode;
}

/**
 * Everything out of a database and into one: exports, imports of exports, copies.
 */
import type { JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { ImportOptions, ImportResult } from "../imports/import-sessions.js";
import { exportLines, exportSource } from "./export-file.js";
import { fill, type TransferProgress, type TransferResult } from "./fill.js";
import type { OpenFile } from "./lines.js";
import { type RecordFormat, recordLines } from "./record-lines.js";
import { exportRecords, type RecordsOptions } from "./records.js";
import { sourceOf } from "./source.js";

/** How something is carried over. */
export interface TransferOptions {
  /** told how far it has come: done, and out of how much */
  readonly onProgress?: TransferProgress | undefined;
}

/** See `engine.transfer`. */
export class Transfers {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * All that is stored at this instant, as the lines of an export, each with its line feed. It holds nothing up, whoever
   * writes meanwhile. It has what the database has: names of units, and the hashes of API keys, which let nobody in.
   */
  exportEverything({ onProgress }: TransferOptions = {}): AsyncIterable<string> {
    return exportLines(this.#context.requireStore().transfer, onProgress);
  }

  /**
   * Records of one kind at this instant, oldest first.
   *
   * @throws DethroneError `input_invalid`, `project_not_found`, with the first of them
   */
  exportRecords(options: RecordsOptions): AsyncIterable<JsonObject> {
    return exportRecords(this.#context.requireStore(), options);
  }

  /**
   * The same as pieces of a file, each of whole lines: JSON lines, or CSV that no spreadsheet runs.
   *
   * @throws DethroneError `input_invalid`, `project_not_found`, with the first of them
   */
  exportLines(options: RecordsOptions & { readonly format: RecordFormat }): AsyncIterable<string> {
    return recordLines(this.exportRecords(options), options);
  }

  /**
   * Fills this database, which must be new or hold the beginning of the same export, with an export of everything: the
   * same ids, the same order, the same decisions. The file is read three times: looked over, stored, compared.
   *
   * @param open gives the file from its beginning, each time
   * @throws DethroneError `export_invalid`, `export_newer`, `database_differs`; nothing is written then
   */
  async importEverything(open: OpenFile, { onProgress }: TransferOptions = {}): Promise<TransferResult> {
    const { transfer } = this.#context.requireStore();
    return fill(transfer, await exportSource(open, transfer.tables), onProgress);
  }

  /**
   * Copies all that is stored at this instant to the database of another engine, which must be new or hold the beginning
   * of the same.
   *
   * @throws DethroneError `database_differs`; nothing is written then
   */
  async copyTo(
    { transfer: target }: { readonly transfer: Transfers },
    { onProgress }: TransferOptions = {},
  ): Promise<TransferResult> {
    const { transfer } = this.#context.requireStore();
    const snapshot = await transfer.snapshot();
    try {
      const source = await sourceOf(snapshot, transfer.tables);
      return await fill(target.#context.requireStore().transfer, source, onProgress);
    } finally {
      await snapshot.close();
    }
  }

  /**
   * Imports sessions that another system has recorded, from its file, into a project: outside of every experiment, and
   * never evidence. To import a file again changes nothing; one that was cut off is imported again.
   *
   * @param open gives the file from its beginning, each time
   * @throws DethroneError `project_not_found`, `mapping_invalid`; `input_invalid` for a file that breaks off
   */
  async importSessions(project: string, open: OpenFile, options: ImportOptions = {}): Promise<ImportResult> {
    // Its parsers and schemas are loaded for this alone: a host that only runs its agent should not wait for them.
    const { importSessions } = await import("../imports/import-sessions.js");
    return importSessions(this.#context, project, open, options);
  }
}

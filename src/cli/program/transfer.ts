/**
 * Commands that carry data over: `import`, `export`, `copy`.
 */
import { type Command, Option } from "commander";
import { FORMATS } from "../../engine/imports/formats.js";
import { RECORD_FIELDS } from "../../engine/transfer/records.js";
import { type ExportFlags, exportChampion } from "../commands/configs.js";
import type { ImportFlags } from "../commands/import.js";
import { copy, type ExportFlags as ExportAllFlags, exportAll } from "../commands/transfer.js";
import { addAllowSecret, contextOf } from "./context.js";

function addExport(program: Command): void {
  const command = program
    .command("export")
    .description("write what is stored to a file: everything, or one kind of record")
    .addOption(
      new Option("--what <records>", "which records")
        .choices(["everything", ...Object.keys(RECORD_FIELDS)])
        .default("everything"),
    )
    .addOption(
      new Option("--format <format>", "JSON lines or CSV").choices(["jsonl", "csv"]).default("jsonl"),
    )
    .option("--project <key>", "only records of this project")
    .option(
      "--out <file>",
      "write to a new file, or of everything as CSV to a new folder; - is standard output",
      "-",
    )
    .action(async (flags: ExportAllFlags, self: Command) => exportAll(await contextOf(self), flags));
  command
    .command("champion <project>")
    .description("the champion's config as JSON with sorted keys, for version control")
    .option("--output <file>", "write it there instead of printing it")
    .option("--check <file>", "write nothing; exit 4 and show the difference if the file is not the champion")
    .action(async (key: string, flags: ExportFlags, self: Command) =>
      exportChampion(await contextOf(self), key, flags),
    );
}

function addImport(program: Command): void {
  const command = program
    .command("import <file>")
    .description(
      "an export of everything into a new database, or what another system has recorded into a project",
    )
    .option("--project <key>", "whose sessions they are; not for an export")
    .addOption(
      new Option("--format <format>", "what wrote the file (default: by its beginning)").choices(
        Object.keys(FORMATS),
      ),
    )
    .option("--map <file>", "JSON file that says which fields are what; see docs/DATA.md")
    .option("--dry-run", "show what would be imported, and write nothing")
    .option("--resume", "pass over what a run before has imported")
    .option("--strict", "exit 2 if anything was refused");
  addAllowSecret(command).action(async (path: string, flags: ImportFlags, self: Command) => {
    const { importFile } = await import("../commands/import.js");
    await importFile(await contextOf(self), path, flags);
  });
}

/** `import`, `export`, `copy` */
export function addTransfer(program: Command): void {
  addImport(program);
  addExport(program);
  program
    .command("copy <from> <to>")
    .description("copy everything to a new database; run it again to go on where it was cut off")
    .action(async (from: string, to: string, _flags: object, self: Command) =>
      copy(await contextOf(self), from, to),
    );
}

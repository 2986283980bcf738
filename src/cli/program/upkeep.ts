/**
 * Commands that keep a database in order.
 */
import type { Command } from "commander";
import {
  backup,
  type DoctorFlags,
  doctor,
  type ForgetFlags,
  forget,
  type PruneFlags,
  prune,
} from "../commands/upkeep.js";
import { addReason, contextOf } from "./context.js";

/** `doctor`, `backup`, `prune`, `forget` */
export function addUpkeep(program: Command): void {
  program
    .command("doctor")
    .description("is the database sound, is a job ticking, what is to be done")
    .option("--verify", "also fold every experiment from zero and recompute every decision")
    .action(async (flags: DoctorFlags, command: Command) => doctor(await contextOf(command), flags));
  program
    .command("backup <file>")
    .description("copy the database to a new file while agents write, and check the copy")
    .action(async (path: string, _flags: object, command: Command) => backup(await contextOf(command), path));
  program
    .command("prune")
    .description("delete sessions that no longer matter; evidence, decisions and reports stay")
    .requiredOption(
      "--older-than <duration>",
      "since their experiment ended, or since they settled, e.g. 90d",
    )
    .option("--project <key>", "only this project")
    .option("--dry-run", "show what would go, and delete nothing")
    .option("--vacuum", "give the freed space back, which rewrites the file")
    .action(async (flags: PruneFlags, command: Command) => prune(await contextOf(command), flags));
  addReason(program.command("forget <unit>"))
    .description("erase what is stored of a user or other unit; the evidence stays")
    .option("--project <key>", "only in this project (default: in all)")
    .option("--dry-run", "show what would be erased, and erase nothing")
    .action(async (unit: string, flags: ForgetFlags, command: Command) =>
      forget(await contextOf(command), unit, flags),
    );
}

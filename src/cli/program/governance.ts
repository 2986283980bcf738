/**
 * Commands of what starts by itself, and of what a person should look at.
 */
import { Argument, type Command } from "commander";
import {
  type BudgetFlags,
  budget,
  type EvaluationFlags,
  evaluations,
  type QueueAction,
  type QueueFlags,
  queue,
} from "../commands/governance.js";
import { addReason, contextOf } from "./context.js";

/** `queue` */
export function addQueue(program: Command): void {
  program
    .command("queue")
    .description("the challengers that wait their turn; move one, or take it out")
    .argument("<project>", "the project's key")
    .addArgument(new Argument("[action]", "what to do").choices(["list", "move", "remove"]).default("list"))
    .argument("[draft]", "id of the draft, or the beginning of it")
    .argument("[place]", "its new place, from 1")
    .option("--reason <text>", "why, for the audit log; with move and remove")
    .action(
      async (
        key: string,
        action: QueueAction,
        experiment: string | undefined,
        place: string | undefined,
        flags: QueueFlags,
        command: Command,
      ) => queue(await contextOf(command), key, { action, experiment, place }, flags),
    );
}

/** `budget` */
export function addBudget(program: Command): void {
  addReason(program.command("budget"))
    .description("limit the false promotions that may be expected of what starts")
    .argument("<project>", "the project's key")
    .argument("<limit>", "expected false promotions at most, e.g. 0.5; none for no limit")
    .option("--window <duration>", "of experiments that start within so long, e.g. 90d (default: of all)")
    .action(async (key: string, limit: string, flags: BudgetFlags, command: Command) =>
      budget(await contextOf(command), key, limit, flags),
    );
}

/** `evaluations` */
export function addEvaluations(program: Command): void {
  program
    .command("evaluations [project]")
    .description("what ticks found, newest first, and where criteria disagree")
    .option("--experiment <id>", "id of the experiment, or the beginning of it; with a project")
    .option("--verdict <verdict>", "promote, hold, abort or continue")
    .option("--needs-review", "only those in which criteria disagree")
    .option("--newest", "only the newest of each experiment")
    .option("--status <status>", "of the experiment now: running, promoted, ...")
    .option("--owner <name>", "of the experiment")
    .option("--tag <tag>", "of the experiment")
    .option("--since <time>", "from then on: 7d ago, or a date such as 2026-12-01")
    .option("--until <time>", "before then")
    .option("--limit <count>", "entries to show, 1 to 200 (default: 50)")
    .option("--cursor <cursor>", "'nextCursor' of the page before, from --json")
    .action(async (key: string | undefined, flags: EvaluationFlags, command: Command) =>
      evaluations(await contextOf(command), key, flags),
    );
}

/**
 * Commands that plan experiments, look at them, decide them, and change them by hand.
 */
import type { Command } from "commander";
import type { ChallengeFlags } from "../challenge-flags.js";
import {
  archive,
  type ByHandFlags,
  type ByHandVerb,
  byHand,
  drop,
  holdout,
  type ReviseFlags,
  revise,
} from "../commands/by-hand.js";
import { challenge } from "../commands/challenge.js";
import type { ReasonFlags } from "../commands/context.js";
import { type DecideFlags, decide, verify } from "../commands/decisions.js";
import { type EditFlags, edit, start } from "../commands/drafts.js";
import { override, overrides } from "../commands/overrides.js";
import { type ExperimentFilterFlags, status } from "../commands/projects.js";
import { history, type ReportFlags, report } from "../commands/reports.js";
import { addAllowSecret, addPlanning, addReason, collect, contextOf } from "./context.js";
import { addFilter } from "./set-up.js";

/** `challenge`, `edit`, `start` */
export function addPlans(program: Command): void {
  const challenged = program
    .command("challenge <project>")
    .description("let one challenger or several contend for a share of the sessions, now or later")
    .optionsGroup("Challengers and start:")
    .option("--config <file>", "JSON file of a challenger's config; repeatable", collect)
    .option(
      "--set <key=value>",
      "change a field of the champion's config; repeatable; @file takes a file's text",
      collect,
    );
  addAllowSecret(challenged)
    .option("--draft", "plan it, and start it later with 'start'")
    .option("--starts-at <time>", "plan it, and let it start by itself: 2026-12-01T09:00:00Z, or 2h from now")
    .option("--queue", "wait for its turn where the slot is occupied, others wait, or the budget is spent")
    .option("--again <reason>", "run a pair again that has contended before")
    .option("--dry-run", "show what would start, and start nothing");
  addPlanning(challenged).action(async (key: string, flags: ChallengeFlags, child: Command) =>
    challenge(await contextOf(child), key, flags),
  );
  const edited = addReason(program.command("edit <project> <experiment>"))
    .description("change a draft; of an experiment that has started, what people say of it")
    .optionsGroup("Challengers and start:")
    .option("--add <file>", "JSON file of a challenger to be added; repeatable; --label names them", collect)
    .option(
      "--remove <challenger>",
      "a challenger to be taken out: place, label or hash; repeatable",
      collect,
    );
  addAllowSecret(edited).option(
    "--starts-at <time>",
    "when it starts by itself: 2026-12-01T09:00:00Z, 2h from now, or never",
  );
  addPlanning(edited, true).action(async (key: string, id: string, flags: EditFlags, child: Command) =>
    edit(await contextOf(child), key, id, flags),
  );
  addReason(program.command("start <project> <experiment>"))
    .description("start a draft against the present champion")
    .action(async (key: string, id: string, flags: ReasonFlags, child: Command) =>
      start(await contextOf(child), key, id, flags),
    );
}

/** `status`, `report`, `history`, `overrides` */
export function addLooking(program: Command): void {
  addFilter(program.command("status"))
    .description("where all projects stand")
    .action(async (flags: ExperimentFilterFlags, command: Command) =>
      status(await contextOf(command), flags),
    );
  program
    .command("report <project>")
    .description("one experiment in full")
    .option("--experiment <id>", "id of the experiment, or the beginning of it (default: the current one)")
    .option(
      "--by <attribute>",
      "break the scores down by this attribute of the context alone, e.g. user.plan",
    )
    .option("--format <format>", "text, json, md, html (one file), csv, or github (a comment)", "text")
    .action(async (key: string, flags: ReportFlags, command: Command) =>
      report(await contextOf(command), key, flags),
    );
  program
    .command("history <project>")
    .description("the audit log, newest first")
    .option("--limit <count>", "entries to show", "50")
    .action(async (key: string, flags: { limit?: string }, command: Command) =>
      history(await contextOf(command), key, flags),
    );
  program
    .command("overrides <project>")
    .description("the units that have an arm by hand")
    .action(async (key: string, _flags: object, child: Command) => overrides(await contextOf(child), key));
}

const BY_HAND: readonly (readonly [ByHandVerb, string, ...(readonly [flag: string, about: string])[]])[] = [
  ["pause", "give everyone the champion for now; nothing folds or decides"],
  ["resume", "go on with a paused experiment"],
  [
    "abort",
    "end the experiment, or discard a draft; the champion stays",
    ["--experiment <id>", "id of the experiment or draft (default: the one that runs)"],
  ],
  [
    "promote",
    "make a challenger the champion now, whatever the evidence",
    ["--challenger <challenger>", "which one, where there are several: place, label or hash"],
  ],
  ["approve", "accept a promotion that awaits approval"],
  ["decline", "refuse a promotion that awaits approval; the champion stays"],
  [
    "rollback",
    "make a former champion the champion again",
    ["--to <config>", "label or hash of a former champion (default: the one before)"],
  ],
];

/** What a person does to the experiment in a project's slot, to its champion, and to units. */
export function addByHand(program: Command): void {
  for (const [verb, description, ...options] of BY_HAND) {
    const command = program.command(`${verb} <project>`).description(description);
    for (const [flag, about] of options) command.option(flag, about);
    addReason(command).action(async (key: string, flags: ByHandFlags, child: Command) =>
      byHand(await contextOf(child), verb, key, flags),
    );
  }
  addReason(program.command("drop <project> <challenger>"))
    .description("take one of several challengers out; its share goes to the champion")
    .action(async (key: string, challenger: string, flags: ReasonFlags, child: Command) =>
      drop(await contextOf(child), key, challenger, flags),
    );
  addReason(program.command("archive <project> <experiment>"))
    .description("put an experiment that has ended away; it is kept, and left out of lists")
    .action(async (key: string, id: string, flags: ReasonFlags, child: Command) =>
      archive(await contextOf(child), key, id, flags),
    );
  addRevise(program);
  addUnits(program);
}

function addRevise(program: Command): void {
  const command = program
    .command("revise <project>")
    .description("change an experiment in flight, from the next session on")
    .option("--horizon <sessions>", "planned sessions, all arms together")
    .option("--share <share>", "the challengers' share: 0.01 to 0.99, one each as in 0.1,0, ramp or adaptive")
    .option("--min-per-arm <sessions>", "sessions each arm must have before a promotion")
    .option("--futility <chance>", "hold once the chance of promotion is below this; 'off' for never");
  addReason(command).action(async (key: string, flags: ReviseFlags, child: Command) =>
    revise(await contextOf(child), key, flags),
  );
}

function addUnits(program: Command): void {
  addReason(program.command("override"))
    .description("give a unit an arm, to try it; its sessions never count")
    .argument("<project>", "the project's key")
    .argument("<unit>", "the unit, e.g. a user's id")
    .argument("<arm>", "champion, challenger, a challenger's place, label or hash; none takes it away")
    .action(async (key: string, unit: string, arm: string, flags: ReasonFlags, child: Command) =>
      override(await contextOf(child), key, unit, arm, flags),
    );
  addReason(program.command("holdout <project> <share>"))
    .description("hold a share of the units, 0 to 0.5, out of every experiment from the next one on")
    .action(async (key: string, share: string, flags: ReasonFlags, child: Command) =>
      holdout(await contextOf(child), key, share, flags),
    );
}

/** `decide`, `verify` */
export function addDecisions(program: Command): void {
  program
    .command("decide")
    .description("settle, fold and decide: one tick, or a worker")
    .option("--project <key>", "only this project")
    .option("--every <duration>", "keep ticking, e.g. 5m")
    .option("--cron <expression>", "keep ticking on a schedule, e.g. '*/5 * * * *'")
    .option("--dry-run", "say what would be decided, and store nothing")
    .action(async (flags: DecideFlags, command: Command) => decide(await contextOf(command), flags));
  program
    .command("verify [decision]")
    .description("recompute stored decisions from the session log")
    .action(async (decision: string | undefined, _flags: object, command: Command) =>
      verify(await contextOf(command), decision),
    );
}

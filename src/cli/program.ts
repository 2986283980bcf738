/**
 * The command tree: names, flags and help. No logic.
 */
import { Command, CommanderError, Option } from "commander";
import { DethroneError } from "../core/errors.js";
import { VERSION } from "../version.js";
import { type BacktestFlags, backtest } from "./commands/backtest.js";
import { type ByHandVerb, byHand, type ReviseFlags, revise } from "./commands/by-hand.js";
import { type ChallengeFlags, challenge } from "./commands/challenge.js";
import type { CommandContext } from "./commands/context.js";
import { type DecideFlags, decide, verify } from "./commands/decisions.js";
import { type DemoFlags, demo } from "./commands/demo.js";
import { init, migrate } from "./commands/init.js";
import { type PlanFlags, plan } from "./commands/plan.js";
import { createProject, history, report, showProject, status } from "./commands/projects.js";
import { type SimulateFlags, simulate } from "./commands/simulate.js";
import { Output } from "./output.js";
import { databaseUrl, readFileSettings } from "./settings.js";

interface GlobalFlags {
  readonly db?: string;
  readonly json?: boolean;
}

async function contextOf(
  command: Command,
): Promise<CommandContext & { readonly flagUrl: string | undefined }> {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const file = await readFileSettings(process.cwd());
  const output = new Output(flags.json ?? false);
  return { url: databaseUrl(flags.db, file), file, output, flagUrl: flags.db };
}

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** The flags of what is judged, and how. */
function addPolicy(command: Command): Command {
  return command
    .option("--policy <policy>", "calibrated, strict, threshold, JSON or @file.json")
    .option(
      "--metric <name:direction>",
      "a number beside the score, e.g. cost_usd:lower; kind: :binary, :count, :positive, :real (default: by its values); repeatable",
      collect,
    )
    .option(
      "--guardrail <name:margin>",
      "a metric that must not get worse, e.g. cost_usd:0.1 aborts at 10 % worse, cost_usd:-0.1:require promotes only at 10 % better; repeatable",
      collect,
    )
    .option("--min-uplift <uplift>", "the score must be better by more than this, e.g. -0.03 (default: 0)");
}

function addProjects(program: Command): void {
  const project = program.command("project").description("create, list and show projects");
  project
    .command("create <key>")
    .description("create a project with its first champion")
    .option("--champion <file>", "JSON file of the champion's config")
    .option("--set <key=value>", "set a field of the config; repeatable; @file takes a file's text", collect)
    .action(async (key: string, flags: { champion?: string; set?: string[] }, command: Command) => {
      const { champion, set } = flags;
      await createProject(await contextOf(command), key, {
        ...(champion && { config: champion }),
        ...(set && { set }),
      });
    });
  project
    .command("list")
    .description("all projects and where they stand")
    .action(async (_flags: object, command: Command) => status(await contextOf(command)));
  project
    .command("show <key>")
    .description("a project's champion and experiments")
    .action(async (key: string, _flags: object, command: Command) =>
      showProject(await contextOf(command), key),
    );
}

function addChallenge(program: Command): void {
  const command = program
    .command("challenge <project>")
    .description("let a challenger contend for a share of the sessions")
    .option("--config <file>", "JSON file of the challenger's config")
    .option(
      "--set <key=value>",
      "change a field of the champion's config; repeatable; @file takes a file's text",
      collect,
    )
    .option("--share <share>", "the challenger's share: 0.01 to 0.99, ramp or adaptive (default: 0.2)")
    .option("--horizon <sessions>", "planned sessions, both arms together (default: 2000)")
    .option("--detect <uplift>", "derive share and horizon: the uplift to be found, e.g. 0.1, with --within")
    .option("--within <duration>", "... and by when, e.g. 14d")
    .option("--fdr <rate>", "level by e-LOND: part of all promotions that may be false, e.g. 0.1")
    .addOption(
      new Option("--promotion <how>", "whether a promotion waits for a person").choices(["auto", "approve"]),
    )
    .option("--again <reason>", "run a pair again that has contended before")
    .option("--dry-run", "show what would start, and start nothing")
    .action(async (key: string, flags: ChallengeFlags, command: Command) =>
      challenge(await contextOf(command), key, flags),
    );
  addPolicy(command);
}

function addExperiments(program: Command): void {
  program
    .command("status")
    .description("where all projects stand")
    .action(async (_flags: object, command: Command) => status(await contextOf(command)));
  program
    .command("report <project>")
    .description("the newest experiment in full")
    .option("--format <format>", "text or json", "text")
    .action(async (key: string, flags: { format?: string }, command: Command) =>
      report(await contextOf(command), key, flags),
    );
  program
    .command("history <project>")
    .description("the audit log, newest first")
    .option("--limit <count>", "entries to show", "50")
    .action(async (key: string, flags: { limit?: string }, command: Command) =>
      history(await contextOf(command), key, flags),
    );
}

const BY_HAND: readonly (readonly [ByHandVerb, string])[] = [
  ["pause", "give everyone the champion for now; nothing folds or decides"],
  ["resume", "go on with a paused experiment"],
  ["abort", "end the experiment; the champion stays"],
  ["promote", "make the challenger the champion now, whatever the evidence"],
  ["approve", "accept a promotion that awaits approval"],
  ["decline", "refuse a promotion that awaits approval; the champion stays"],
  ["rollback", "make the previous champion the champion again"],
];

function addByHand(program: Command): void {
  for (const [verb, description] of BY_HAND) {
    program
      .command(`${verb} <project>`)
      .description(description)
      .requiredOption("--reason <text>", "why, for the audit log")
      .action(async (key: string, flags: { reason: string }, command: Command) =>
        byHand(await contextOf(command), verb, key, flags),
      );
  }
}

function addRevise(program: Command): void {
  program
    .command("revise <project>")
    .description(
      "change horizon, share, futility or minimum of an experiment in flight, from the next session on",
    )
    .option("--horizon <sessions>", "planned sessions, both arms together")
    .option("--share <share>", "the challenger's share: 0.01 to 0.99, ramp or adaptive")
    .option("--min-per-arm <sessions>", "sessions each arm must have before a promotion")
    .option("--futility <chance>", "hold once the chance of promotion is below this; 'off' for never")
    .requiredOption("--reason <text>", "why, for the audit log")
    .action(async (key: string, flags: ReviseFlags, command: Command) =>
      revise(await contextOf(command), key, flags),
    );
}

function addDecisions(program: Command): void {
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

function addBacktest(program: Command): void {
  const command = program
    .command("backtest <file>")
    .description("run recorded sessions (JSON lines) through the engine")
    .requiredOption("--champion <selector>", "picks the champion's sessions: field=value,field=value")
    .requiredOption("--challenger <selector>", "picks the challenger's sessions")
    .requiredOption("--score <field>", "field with the score: boolean or a number from 0 to 1")
    .option("--share <share>", "the challenger's share, 0.01 to 0.99", "0.5")
    .option("--horizon <sessions>", "planned sessions (default: as many as the scarcer arm lasts for)")
    .option("--order <order>", "shuffle, file or time", "shuffle")
    .option("--time-field <field>", "field with the time, for --order time", "started_at")
    .option("--seed <seed>", "whole number that fixes order and assignment", "1")
    .option("--trace", "first print one JSON line per folded session")
    .option("--project <key>", "name of the project the backtest creates", "backtest")
    .action(async (path: string, flags: BacktestFlags, command: Command) => {
      const context = await contextOf(command);
      await backtest(context, context.flagUrl, path, flags);
    });
  addPolicy(command);
}

function addSimulate(program: Command): void {
  program
    .command("simulate")
    .description("how often a policy promotes, holds and aborts, on simulated sessions")
    .option("--base-rate <rate>", "the champion's success rate", "0.6")
    .option("--effect <effect>", "the challenger's rate less the champion's; 0,0.05 for two challengers", "0")
    .option("--share <share>", "the challenger's share: a number, ramp or adaptive", "0.2")
    .option("--horizon <sessions>", "planned sessions, all arms together (default: 2000)")
    .option("--runs <runs>", "experiments to simulate for each policy", "2000")
    .option("--seed <seed>", "whole number that fixes all draws", "1")
    .option("--policy <policy>", "only this policy: calibrated, strict, threshold, JSON or @file.json")
    .option("--compare <names>", "policies by name, side by side (default: calibrated,threshold)")
    .option("--alpha <level>", "highest chance of a false promotion (default: 0.05)")
    .option("--tau <probability>", "P(better) a promotion needs (default: 0.95)")
    .option("--min-uplift <uplift>", "uplift a challenger must exceed (default: 0)")
    .option("--drift <from..to>", "the base rate drifts over the horizon, e.g. 0.5..0.8")
    .option("--challengers <count>", "challengers, which divide the share", "1")
    .option("--delay <sessions>", "sessions that start before a score is known", "0")
    .option("--missing <chance>", "chance that a session has no score", "0")
    .option("--project <key>", "resample the project's own settled sessions instead")
    .option("--file <file>", "resample recorded sessions (JSON lines) instead")
    .option("--champion <selector>", "with --file: picks the champion's sessions, field=value,field=value")
    .option("--challenger <selector>", "with --file: picks the challenger's sessions")
    .option("--score <field>", "with --file: field with the score")
    .action(async (flags: SimulateFlags, command: Command) => simulate(await contextOf(command), flags));
  program
    .command("plan")
    .description("how long an experiment will take, and what it can find")
    .option("--project <key>", "take success rate and traffic from the project's last 14 days")
    .option("--base-rate <rate>", "the champion's success rate (default: 0.6)")
    .option("--effect <effect>", "the uplift that is hoped for", "0.1")
    .option("--share <share>", "the challenger's share, 0.01 to 0.99", "0.2")
    .option("--sessions-per-day <sessions>", "units a day (default: 100)")
    .option("--horizon <sessions>", "planned sessions (default: what --power needs)")
    .option("--within <duration>", "time the experiment may take, e.g. 14d, instead of a horizon")
    .option("--power <chance>", "wanted chance to promote", "0.8")
    .option("--alpha <level>", "highest chance of a false promotion", "0.05")
    .option("--runs <runs>", "experiments to simulate at each share", "1000")
    .option("--seed <seed>", "whole number that fixes all draws", "1")
    .action(async (flags: PlanFlags, command: Command) => plan(await contextOf(command), flags));
}

function addSetUp(program: Command): void {
  program
    .command("demo")
    .description("watch a real agent's challenger dethrone its champion, offline")
    .option("--swap", "make the worse strategy the challenger")
    .option("--seed <seed>", "whole number that fixes the games", "1")
    .action(async (flags: DemoFlags, command: Command) => {
      const context = await contextOf(command);
      await demo(context.output, context.flagUrl, flags);
    });
  program
    .command("init")
    .description("make the database and a commented dethrone.config.ts")
    .action(async (_flags: object, command: Command) => init(await contextOf(command)));
  program
    .command("migrate")
    .description("bring the database to this version's schema")
    .action(async (_flags: object, command: Command) => migrate(await contextOf(command)));
}

/** The whole command tree. Usage errors and failures throw. */
function createProgram(writeErr: (text: string) => void): Command {
  const program = new Command("dethrone")
    .description("Promotes better AI agent configs, with proof.")
    .version(VERSION)
    .option("--db <url>", "the database: file:PATH or a path (default: $DETHRONE_DB, else file:dethrone.db)")
    .option("--json", "print JSON on standard output and nothing else")
    .showSuggestionAfterError();
  addSetUp(program);
  addProjects(program);
  addChallenge(program);
  addExperiments(program);
  addDecisions(program);
  addByHand(program);
  addRevise(program);
  addBacktest(program);
  addSimulate(program);
  quieten(program, writeErr);
  return program;
}

/** Errors are printed in one place; commander would print and exit by itself. */
function quieten(command: Command, writeErr: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeErr });
  for (const child of command.commands) quieten(child, writeErr);
}

/** Runs the command line; returns the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  const output = new Output(args.includes("--json"));
  let said = "";
  const program = createProgram((text) => {
    said += text;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) return output.failure(error);
    if (error.exitCode === 0) return 0;
    // Called without a command, commander has "failed" by saying its help.
    if (error.code === "commander.help" && !output.isJson) {
      process.stdout.write(said);
      return 2;
    }
    const isBare = error.code === "commander.help";
    const message = (isBare ? "A command is missing" : error.message)
      .replace(/^error: /, "")
      .replace(/\n/g, " ");
    return output.failure(
      new DethroneError("usage_invalid", `${message}. See 'dethrone --help'.`, { usage: error.code }),
    );
  }
}

/**
 * The command tree: names, flags and help. No logic.
 */
import { Command, CommanderError } from "commander";
import { DethroneError } from "../core/errors.js";
import { VERSION } from "../version.js";
import { Output } from "./output.js";
import { addAgents } from "./program/agents.js";
import { addQuestions } from "./program/analysis.js";
import { EXAMPLES } from "./program/examples.js";
import { addByHand, addDecisions, addLooking, addPlans } from "./program/experiments.js";
import { addBudget, addEvaluations, addQueue } from "./program/governance.js";
import { addServer } from "./program/server.js";
import { addProjects, addSetUp } from "./program/set-up.js";
import { addStudies } from "./program/studies.js";
import { addTransfer } from "./program/transfer.js";
import { addUpkeep } from "./program/upkeep.js";
import { addWebhooks } from "./program/webhooks.js";

/** The commands, by what they are for. */
const GROUPS: readonly (readonly [heading: string, add: (program: Command) => void])[] = [
  ["Set up:", addSetUp],
  ["Projects and configs:", addProjects],
  ["Plan and start experiments:", addPlans],
  ["Plan and start experiments:", addQueue],
  ["See where things stand:", addLooking],
  ["See where things stand:", addEvaluations],
  ["Compare what nobody randomised:", addStudies],
  ["Decide:", addDecisions],
  ["By hand, each with a reason:", addByHand],
  ["By hand, each with a reason:", addBudget],
  ["Ask what would be:", addQuestions],
  ["Serve it over HTTP:", addServer],
  ["Tell others what happens:", addWebhooks],
  ["Serve it to agents:", addAgents],
  ["Data in and out:", addTransfer],
  ["Upkeep of the database:", addUpkeep],
];

/**
 * The whole command tree. Usage errors and failures throw.
 *
 * @param writeErr gets what commander says of a usage error
 */
export function createProgram(writeErr: (text: string) => void): Command {
  const program = new Command("dethrone")
    .description("Promotes better AI agent configs, with proof.")
    .version(VERSION)
    .option(
      "--db <url>",
      "the database: a path, file:PATH, postgres://..., or libsql://HOST with its token in $DETHRONE_AUTH_TOKEN (default: $DETHRONE_DB, else file:dethrone.db)",
    )
    .option("--json", "print JSON on standard output and nothing else")
    .option("--actor <name>", "who does it, for the audit log (default: $DETHRONE_ACTOR, else cli)")
    .showSuggestionAfterError();
  for (const [heading, add] of GROUPS) add(program.commandsGroup(heading));
  quieten(program, writeErr);
  addExamples(program);
  return program;
}

/** Shows each command's examples below its help. */
function addExamples(command: Command, parents: readonly string[] = []): void {
  for (const child of command.commands) {
    const path = [...parents, child.name()];
    const examples = EXAMPLES[path.join(" ")];
    if (examples)
      child.addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
    addExamples(child, path);
  }
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
      .replace(/\.$/, "")
      .replace(/\n/g, " ");
    return output.failure(
      new DethroneError("usage_invalid", `${message}. See 'dethrone --help'.`, { usage: error.code }),
    );
  }
}

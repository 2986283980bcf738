/**
 * Commands for agents.
 */
import type { Command } from "commander";
import { mcp } from "../commands/mcp.js";
import { contextOf } from "./context.js";

/** `mcp` */
export function addAgents(program: Command): void {
  program
    .command("mcp")
    .description(
      "Model Context Protocol server on standard input and output, for agents that run experiments",
    )
    .action(async (_flags: object, command: Command) => mcp(await contextOf(command)));
}

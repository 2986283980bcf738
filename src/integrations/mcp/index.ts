/**
 * `dethrone/mcp`: a Model Context Protocol server over an engine. `@modelcontextprotocol/sdk` is a peer.
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Engine } from "../../engine/engine.js";
import { checkActor } from "../../engine/experiments/audit.js";
import { type Simulator, simulateInSlices } from "../../engine/simulations.js";
import { VERSION } from "../../version.js";
import { ASKING } from "./asking.js";
import { BY_HAND } from "./by-hand.js";
import { CHANGING } from "./changing.js";
import { experimentFacts } from "./facts.js";
import { LOOKING } from "./looking.js";
import { STUDYING } from "./studies.js";

export type { SimulationJob, Simulator } from "../../engine/simulations.js";

/** Settings of the server. */
export interface McpServerOptions {
  /** who does what is done by hand, for the audit log; default `mcp` */
  readonly actor?: string;
  /** how simulations are run; default: in this thread, a slice at a time */
  readonly simulator?: Simulator;
}

const INSTRUCTIONS =
  "dethrone lets a better agent config (the challenger) take over from the one in charge (the champion), with proof. " +
  "To set up an experiment call experiment_facts, then challenge with dryRun, then challenge. A scheduled job decides; " +
  "look with status and report, as often as you like. What cannot be taken back says what would happen, and asks for the " +
  "id of the experiment, or the hash of the champion, as confirm.";

/**
 * A server with a tool for each thing a person does with experiments; connect it to a transport. Nothing here decides:
 * that is for the scheduled job.
 *
 * @throws DethroneError `settings_invalid` for an actor that is none
 * @example
 * await createMcpServer(engine).connect(new StdioServerTransport());
 */
export function createMcpServer(engine: Engine, options: McpServerOptions = {}): McpServer {
  const { actor = "mcp", simulator = simulateInSlices } = options;
  checkActor(actor);
  const server = new McpServer({ name: "dethrone", version: VERSION }, { instructions: INSTRUCTIONS });
  for (const each of [experimentFacts, ...LOOKING, ...CHANGING, ...BY_HAND, ...STUDYING, ...ASKING])
    each.register(server, { engine, actor, simulator });
  return server;
}

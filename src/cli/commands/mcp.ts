/**
 * `mcp`: a Model Context Protocol server on standard input and output.
 */
import { DethroneError } from "../../core/errors.js";
import { CLI_ACTOR, withEngine } from "../open.js";
import { simulateInParallel } from "../parallel.js";
import type { CommandContext } from "./context.js";

const PEER = "@modelcontextprotocol/sdk";

/** What the command needs of the package that it does not bring along. @throws DethroneError `peer_missing` */
async function withPeer() {
  try {
    const { createMcpServer } = await import("../../integrations/mcp/index.js");
    const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
    return { createMcpServer, StdioServerTransport };
  } catch (cause) {
    const { code, message } = Object(cause) as { code?: unknown; message?: unknown };
    if (code !== "ERR_MODULE_NOT_FOUND" || !String(message).includes(PEER)) throw cause;
    throw new DethroneError(
      "peer_missing",
      `'dethrone mcp' needs the package ${PEER}, which is not installed: npm install ${PEER}.`,
      { package: PEER },
      { cause },
    );
  }
}

/** Resolves when the client has closed the connection, or the process is asked to stop. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

/** `mcp` */
export async function mcp({ url, actor }: CommandContext): Promise<void> {
  const { createMcpServer, StdioServerTransport } = await withPeer();
  await withEngine(url, { mustExist: true }, async ({ engine }) => {
    const server = createMcpServer(engine, {
      actor: actor === CLI_ACTOR ? "mcp" : actor,
      simulator: (jobs, { signal }) => simulateInParallel(jobs, { signal }),
    });
    const over = ended();
    await server.connect(new StdioServerTransport());
    await over;
    await server.close();
  });
}

/**
 * A tool of the MCP server: what it is told, what it answers, and what it does to what is stored.
 */
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import type { Simulator } from "../../engine/simulations.js";

/** What tools work with. */
interface ToolContext {
  readonly engine: Engine;
  /** who does it, for the audit log */
  readonly actor: string;
  readonly simulator: Simulator;
}

/** What a tool answers: the facts, and the same in words. */
interface Answer<Facts> {
  readonly facts: Facts;
  readonly text: string;
}

/** What a tool does to what is stored; `ends` is what cannot be taken back. */
type Effect = "reads" | "writes" | "writes-once" | "ends";

const ANNOTATIONS: Record<Effect, ToolAnnotations> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  writes: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  // Called again it finds what it has done.
  "writes-once": { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  ends: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
};

/** A tool. */
export interface Tool<Input extends z.ZodObject, Output extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly input: Input;
  readonly output: Output;
  readonly run: (
    context: ToolContext,
    input: z.output<Input>,
    signal: AbortSignal,
  ) => Promise<Answer<z.input<Output>>>;
}

/** A tool whose types have been checked, for a list of several. */
export interface AnyTool {
  readonly register: (server: McpServer, context: ToolContext) => void;
}

/** Checks a tool's types. */
export function tool<Input extends z.ZodObject, Output extends z.ZodObject>(
  made: Tool<Input, Output>,
): AnyTool {
  return {
    register(server, context) {
      const { name, title, description, input, output, effect, run } = made;
      server.registerTool(
        name,
        {
          title,
          description,
          // What is misspelt would do nothing, without a word.
          inputSchema: z.strictObject(input.shape),
          outputSchema: output,
          annotations: ANNOTATIONS[effect],
        },
        async (args, extra): Promise<CallToolResult> => {
          try {
            const { facts, text } = await run(context, args as z.output<Input>, extra.signal);
            return { content: [{ type: "text", text }], structuredContent: { ...facts } };
          } catch (error) {
            return failed(error);
          }
        },
      );
    },
  };
}

/** A failure as a result that a model can act on: what went wrong in words, and as the command line's JSON. */
function failed(error: unknown): CallToolResult {
  const known = isDethroneError(error)
    ? error
    : new DethroneError("invariant_violated", `Unexpected failure: ${String(error)}`, {}, { cause: error });
  const { code, kind, message, details } = known;
  const json = JSON.stringify({ error: { code, kind, message, details } });
  return {
    isError: true,
    content: [
      { type: "text", text: `${code}: ${message}` },
      { type: "text", text: json },
    ],
  };
}

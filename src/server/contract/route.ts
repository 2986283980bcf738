/**
 * What an operation is.
 */
import { z } from "zod";
import type { Scope } from "../../engine/ports.js";

/** An operation. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch";
  /** with its parameters in braces */
  readonly path: string;
  /** what a key must be allowed; null: anyone */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** of a success */
  readonly response: z.ZodType;
  /** of a success; default 200 */
  readonly status?: 200 | 201;
  /** asked by clients that slow down by themselves, and not counted against their rate; default false */
  readonly isPaced?: true;
  /** of a success; default application/json */
  readonly contentType?: "text/plain" | "text/event-stream" | "application/x-ndjson";
  /** of a success that is asked for in another form than JSON, by `format`; default none */
  readonly otherTypes?: readonly string[];
}

/** The answer of what has nothing to tell. */
export const nothing = z.object({});

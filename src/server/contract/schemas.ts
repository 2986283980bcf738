/**
 * What several parts of the contract share. Requests refuse fields they do not know; answers may gain fields.
 *
 * What the engine checks by itself, and says best what is wrong with (configs, policies, audiences, shares), is only
 * held to be JSON here.
 */
import { z } from "zod";
import type { JsonObject } from "../../core/errors.js";
import type { Assign } from "../../core/sessions/assign.js";

/** A JSON object whose fields are described elsewhere: by its type here, by its meaning in the document. */
export function objectOf<T = JsonObject>(description: string): z.ZodType<T> {
  return z.record(z.string(), z.unknown()).meta({ description }) as unknown as z.ZodType<T>;
}

/** A text of 1 to 200 characters: keys, ids, units, names. */
export const text = z.string().min(1).max(200);

/** Milliseconds since the epoch, UTC. */
export const timeMs = z
  .number()
  .int()
  .min(0)
  .max(8.64e15)
  .meta({ description: "milliseconds since the epoch, UTC" });

/** A number in [0, 1]. */
export const unitNumber = z.number().min(0).max(1);

/** SHA-256 in hexadecimal. */
export const hash = z
  .string()
  .meta({ description: "SHA-256 of the canonical JSON (RFC 8785), in hexadecimal" });

/** Any JSON object that a config may be. */
export const config = objectOf("a config: any JSON object");

/** A place among the arms. */
export const place = z
  .number()
  .int()
  .min(0)
  .meta({ description: "0 the champion's, j the j-th challenger's" });

/** What gives sessions their arms in the place of chance. */
export const assign = objectOf<Assign>(
  "what gives sessions their arms: by attribute, group, fixed or round-robin; null: chance",
).nullable();

/** Which page of a list. */
export const page = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "how many at most; default 50" }),
  cursor: z.string().max(20).optional().meta({ description: "nextCursor of the page before" }),
});

/** Asks for the next page. */
export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: "asks for the next page; null on the last" });

/** A flag in a query. */
export const flag = z
  .enum(["true", "false"])
  .transform((value) => value === "true")
  .optional();

/** What is done by hand takes a reason. */
export const byHand = z.strictObject({
  reason: z.string().min(1).max(10_000).meta({ description: "why, for the audit log" }),
  actor: text.optional().meta({ description: "who; the name of the key is told too" }),
});

/** The role of an arm. */
export const role = z.enum(["champion", "challenger"]);

/** Why a challenger is out of the contest. */
export const out = z.enum(["fuse", "harm", "guardrail", "manual"]).nullable();

/** A failure, as RFC 9457 has it, with the fields of the package's errors. */
export const problem = z.object({
  type: z.string().meta({ description: "a URI of the code: urn:dethrone:error:CODE" }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().meta({ description: "what was wrong, for people" }),
  code: z.string().meta({ description: "what to branch on; codes are only ever added" }),
  kind: z.string().meta({ description: "whether trying again makes sense" }),
  details: objectOf("what was received, what is allowed, what to do"),
  requestId: z.string(),
});

/** A failure, as a server answers it. */
export type Problem = z.infer<typeof problem>;

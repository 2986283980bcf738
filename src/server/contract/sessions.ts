/**
 * Sessions: what another process needs to assign them, what it tells of them, and what is looked up.
 */
import { z } from "zod";
import type { FusePolicy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { Audience } from "../../engine/ports.js";
import {
  assign,
  config,
  hash,
  nextCursor,
  objectOf,
  out,
  page,
  place,
  problem,
  role,
  text,
  timeMs,
  unitNumber,
} from "./schemas.js";

const snapshotConfig = z.object({ hash, body: config });

/** All that assigning a project's sessions takes. */
export const snapshot = z
  .object({
    project: text,
    champion: snapshotConfig,
    experiment: z
      .object({
        id: z.string().meta({ description: "the experiment's id, and the salt of the assignment hash" }),
        status: z.enum(["running", "paused"]),
        hashVersion: z.union([z.literal(1), z.literal(2)]),
        arms: z.array(
          z.object({
            role,
            bucketCount: z
              .number()
              .int()
              .meta({ description: "of 10,000; challengers own the lowest, in order" }),
            config: snapshotConfig,
            label: z.string().nullable(),
            out,
          }),
        ),
        shareRule: objectOf<ShareRule>("how the shares move"),
        audience: objectOf<Audience>("who takes part; null: everyone").nullable(),
        exclusionGroup: z.string().nullable(),
        assign,
        holdoutBuckets: z.number().int(),
        windowMs: z.number(),
        fuse: objectOf<FusePolicy>("when too many failures send everyone to the champion").nullable(),
        overrides: z
          .record(z.string(), z.number().int())
          .meta({ description: "places given by hand, by unit" }),
      })
      .nullable(),
    windowMs: z.number().meta({ description: "of sessions outside of an experiment" }),
  })
  .meta({ description: "What a process assigns sessions by. Revalidate it by its ETag every few seconds." });

const exclusion = z.enum([
  ...["repeat", "override", "forced", "unconfirmed", "share", "assigned", "holdout", "audience"],
] as const);
const anyExclusion = z.enum([...exclusion.options, "forgotten", "exclusive", "dropped", "elsewhere"]);

const operation = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("start"),
    id: text.meta({ description: "made by the client: unique and unpredictable, e.g. UUID v7" }),
    project: text,
    config: z.string().min(1).max(64).meta({ description: "hash of the config served" }),
    experiment: text.nullable(),
    arm: place.max(20).nullable(),
    unit: text.nullable(),
    shares: z
      .array(unitNumber)
      .max(20)
      .nullable()
      .meta({ description: "the challengers' shares it was placed by" }),
    excluded: exclusion.nullable(),
    context: objectOf("attributes of the session").nullable(),
    root: text.nullable().meta({ description: "the session it is a part of" }),
    atMs: timeMs,
  }),
  z.strictObject({
    type: z.literal("signal"),
    session: text,
    key: text.meta({ description: "made once a signal, so that it can be repeated" }),
    name: text,
    value: z.number(),
    kind: z.enum(["explicit", "implicit"]).nullable(),
    source: text.nullable(),
    atMs: timeMs,
  }),
  z.strictObject({
    type: z.literal("end"),
    session: text,
    score: unitNumber.nullable(),
    atMs: timeMs,
  }),
  z.strictObject({
    type: z.literal("exclude"),
    session: text,
    served: z
      .strictObject({
        project: text,
        config: text,
        experiment: text.nullable(),
        arm: place.max(20).nullable(),
      })
      .nullable()
      .meta({ description: "what it was served, where that need not be what is stored" }),
  }),
  z
    .strictObject({ type: z.literal("look"), session: text })
    .meta({ description: "answers what is stored of a session, after all that was sent before" }),
]);

/** How many operations a request takes. */
const OPERATIONS_MAX = 1000;

/** What a process tells of its sessions, in order. */
export const records = z.strictObject({
  sentAtMs: timeMs.meta({
    description: "the client's clock at sending: the operations' times are corrected by how far it is off",
  }),
  operations: z.array(operation).min(1).max(OPERATIONS_MAX),
});

const receiptStatus = z.enum(["recorded", "duplicate", "late", "spooled", "excluded"]);

const placedSession = z.object({
  id: z.string(),
  project: z.string(),
  experiment: z.string().nullable(),
  arm: place.nullable(),
  unit: z.string().nullable(),
  excluded: anyExclusion.nullable(),
  root: z.string().nullable(),
  isNew: z.boolean(),
  config: z.object({ hash, body: config.nullable().meta({ description: "null where it is the one named" }) }),
});

/** What became of each operation. */
export const recordResults = z.object({
  results: z.array(
    z.discriminatedUnion("status", [
      z.object({ status: z.enum(["started", "existing"]), session: placedSession }),
      z.object({ status: receiptStatus }),
      z.object({
        status: z.literal("failed"),
        error: problem.pick({ code: true, kind: true, detail: true, details: true }),
      }),
    ]),
  ),
});

/** How a session starts that the server places. */
export const sessionStart = z.strictObject({
  id: text.optional().meta({ description: "the session's own id; a stored one is resumed" }),
  unit: text.optional().meta({ description: "what is randomised, e.g. a user; default: the session itself" }),
  context: objectOf("attributes of the session").optional(),
  parent: z
    .strictObject({ id: text, project: text, root: text.nullable() })
    .optional()
    .meta({ description: "the session this one is a part of" }),
});

/** A session as it is to be served. */
export const servedSession = z.object({
  id: z.string(),
  project: z.string(),
  config,
  arm: role,
  place,
  experiment: z.string().nullable(),
  unit: z.string().nullable(),
  root: z.string().nullable(),
  isResumed: z.boolean(),
});

/** An observation about a session. */
export const signal = z.strictObject({
  name: text,
  value: z.union([z.number(), z.boolean()]),
  kind: z.enum(["explicit", "implicit"]).optional(),
  source: text.optional(),
  key: text.optional().meta({ description: "a signal of the same key and body is a duplicate" }),
});

/** How a session ended. */
export const sessionEnd = z.strictObject({
  score: z
    .union([unitNumber, z.boolean()])
    .optional()
    .meta({ description: "left out: the signals of the window decide" }),
});

/** What became of a signal or an end. */
export const receipt = z.object({ status: receiptStatus });

const found = z.object({
  id: z.string(),
  project: z.string(),
  experiment: z.string().nullable(),
  arm: place.nullable(),
  config: hash,
  unit: z.string().nullable(),
  root: z.string().nullable(),
  isEvidence: z.boolean(),
  excluded: anyExclusion.nullable(),
  startedAtMs: timeMs,
  windowEndsAtMs: timeMs,
  endedAtMs: timeMs.nullable(),
  settledAtMs: timeMs.nullable(),
  score: unitNumber.nullable(),
  isMissing: z.boolean(),
  isAbandoned: z.boolean(),
});

const optionalTimeMs = z.coerce.number().int().min(0).max(8.64e15).optional();

/** Which sessions are looked for. */
export const sessionQuery = page.extend({
  project: text.optional(),
  id: text.optional(),
  unit: text.optional(),
  experiment: text.optional(),
  arm: z.coerce.number().int().min(0).max(20).optional(),
  sinceMs: optionalTimeMs,
  untilMs: optionalTimeMs,
});

/** A page of sessions, newest first. */
export const sessionPage = z.object({ sessions: z.array(found), nextCursor });

/** One session in full. */
export const sessionDetail = found.extend({
  context: objectOf("attributes of the session").nullable(),
  shares: z.array(unitNumber).nullable(),
  configBody: config,
  configLabel: z.string().nullable(),
  signals: z.array(
    z.object({
      key: z.string(),
      name: z.string(),
      value: z.number(),
      kind: z.enum(["explicit", "implicit"]).nullable(),
      source: z.string().nullable(),
      acceptedAtMs: timeMs,
      isLate: z.boolean(),
    }),
  ),
  parts: z
    .array(z.string())
    .meta({ description: "ids of the sessions that are a part of it, the first 100" }),
});

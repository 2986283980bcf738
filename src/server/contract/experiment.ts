/**
 * What an experiment is, and what differs between its configs.
 */
import { z } from "zod";
import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { Audience } from "../../engine/ports.js";
import { assign, config, hash, objectOf, out, place, timeMs } from "./schemas.js";

const status = z.enum(["draft", "running", "paused", "promoted", "held", "aborted"]);
const share = z.number();
const policy = objectOf<Policy>("thresholds and limits, complete");
const shareRule = objectOf<ShareRule>("how the shares move");
const audience = objectOf<Audience>("who takes part; null: everyone").nullable();
const watch = z.object({ share: z.number(), horizon: z.number() }).nullable();
const promotion = z.enum(["auto", "approve"]);

/** A difference of two configs. */
export const change = z.object({
  path: z.string().meta({ description: "JSON pointer" }),
  kind: z.enum(["added", "removed", "changed"]),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

/** An experiment. */
export const experiment = z.object({
  id: z.string(),
  kind: z.enum(["contest", "watch"]),
  status,
  hypothesis: z.string().nullable(),
  description: z.string().nullable(),
  owner: z.string().nullable(),
  tags: z.array(z.string()),
  champion: config,
  challenger: config,
  challengers: z.array(z.object({ place, hash, config, share, planShare: z.number(), out })),
  share,
  shareRule,
  policy,
  promotion,
  isAwaitingApproval: z.boolean(),
  isQueued: z.boolean().meta({ description: "a draft that waits its turn" }),
  audience,
  exclusionGroup: z.string().nullable(),
  assign,
  holdout: share,
  watch,
  createdAtMs: timeMs,
  startsAtMs: timeMs.nullable(),
  startedAtMs: timeMs.nullable(),
  endedAtMs: timeMs.nullable(),
  archivedAtMs: timeMs.nullable(),
});

/**
 * What an evaluation comes to: the value of a config or of one of its fields, and how it came about.
 */
import type { ErrorCode, FlagMetadata, ResolutionDetails } from "@openfeature/server-sdk";
import { isDethroneError, type JsonObject } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";
import { armName } from "../arm-name.js";
import type { FlagProject, FlagSession } from "./engine.js";
import type { FlagPlace } from "./flag-keys.js";

/** The types OpenFeature asks for. */
export type FlagType = "boolean" | "string" | "number" | "object";

/** What an evaluation is given: the session's config, or without a session the champion's. */
export interface Served {
  readonly config: unknown;
  readonly variant: string;
  readonly reason: string;
  readonly flagMetadata: FlagMetadata;
}

/** What a session is given. */
export function servedTo(session: FlagSession, project: FlagProject, isStale: boolean): Served {
  const { arm, place, experiment, share, configHash, id } = session;
  return {
    config: session.config,
    variant: armName(place),
    reason: isStale ? "STALE" : reasonOf(session, project),
    flagMetadata: {
      arm,
      configHash,
      sessionId: id,
      ...(experiment !== null && { experiment, version: experiment }),
      ...(share !== null && { share }),
      // By these names OpenFeature's own telemetry finds the feature_flag.set.id, context.id and version.
      flagSetId: project.key,
      contextId: id,
    },
  };
}

/** What is given outside of any session: the champion, and nothing is recorded. */
export function servedToNobody(project: FlagProject, isStale: boolean): Served {
  return {
    config: project.champion,
    variant: "champion",
    reason: isStale ? "STALE" : restingReason(project),
    flagMetadata: { arm: "champion", configHash: project.championHash, flagSetId: project.key },
  };
}

function reasonOf(session: FlagSession, project: FlagProject): string {
  if (session.experiment === null) return restingReason(project);
  const isTargeted = session.excluded === "override" || session.excluded === "assigned";
  return isTargeted ? "TARGETING_MATCH" : "SPLIT";
}

/** Of the champion outside of an experiment: because there is none, or because this one is not for the session. */
function restingReason(project: FlagProject): string {
  return project.experiment === null ? "STATIC" : "DEFAULT";
}

/** The details of a flag that was found. */
export function resolved<T>(
  key: string,
  { path, project }: FlagPlace,
  served: Served,
  type: FlagType,
  defaultValue: T,
): ResolutionDetails<T> {
  const { config, ...how } = served;
  const value = path === null ? config : fieldOf(config as JsonObject, path);
  if (value === undefined) {
    const message = `The config served by project '${project.key}' has no field '${path}'.`;
    return failed(defaultValue, "FLAG_NOT_FOUND", message);
  }
  if (value === null || typeof value !== type) {
    const message = `Flag '${key}' is ${value === null ? "null" : `of type ${typeof value}`}, not ${type}.`;
    return failed(defaultValue, "TYPE_MISMATCH", message);
  }
  // A copy: an evaluation that changes its object must not change the next one's.
  return { value: (type === "object" ? structuredClone(value) : value) as T, ...how };
}

/** The details of an evaluation that failed. */
function failed<T>(value: T, code: `${ErrorCode}`, errorMessage: string): ResolutionDetails<T> {
  return { value, reason: "ERROR", errorCode: code as ErrorCode, errorMessage };
}

/** The details of an evaluation that threw. */
export function thrown<T>(value: T, error: unknown): ResolutionDetails<T> {
  const message = error instanceof Error ? error.message : String(error);
  if (!isDethroneError(error)) return failed(value, "GENERAL", message);
  if (error.kind === "not_found") return failed(value, "FLAG_NOT_FOUND", message);
  return failed(value, error.kind === "invalid_input" ? "INVALID_CONTEXT" : "GENERAL", message);
}

/**
 * Whether a session can have been placed as another process says: the hash of its unit is the judge.
 */
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { armOf, BUCKET_COUNT, bucketOf } from "../../core/sessions/assignment.js";
import type { StoredArm, StoredExperiment } from "../ports.js";
import type { StartOperation } from "./operations.js";
import { outsideBecause } from "./route.js";

function invalid(message: string, details: JsonObject): never {
  throw new DethroneError("input_invalid", message, details);
}

/** The arm of a place. @throws DethroneError `input_invalid` where there is none, or it has another config */
export function armIn(experiment: StoredExperiment, place: number | null, config: string): StoredArm {
  const arm = place === null ? undefined : experiment.arms[place];
  if (!arm) invalid(`Experiment ${experiment.uid} has no arm ${place}.`, { field: "arm", received: place });
  if (arm.config.hash === config) return arm;
  return invalid(`Arm ${place} of experiment ${experiment.uid} has another config.`, {
    field: "config",
    received: config,
  });
}

/** @throws DethroneError `input_invalid` where chance cannot have given the session its arm at the shares named */
export function assertAssigned(
  experiment: StoredExperiment,
  { id, unit: given, context, arm: place, excluded, shares }: StartOperation,
): void {
  const buckets = bucketsOf(experiment, shares);
  // Whoever is no evidence may be anywhere: units that had their arm before keep it, whatever the shares are now.
  if (excluded !== null) return;
  const unit = given ?? id;
  if (experiment.assign !== null)
    invalid(`A rule gives the arms of experiment ${experiment.uid}: its sessions are no evidence.`, {
      field: "excluded",
      received: null,
    });
  const { uid, hashVersion: version, projectKey } = experiment;
  const outside = outsideBecause(projectKey, experiment, { unit, context });
  if (outside !== null)
    invalid(`'${unit}' stays outside of experiment ${uid}: ${outside}.`, {
      field: "excluded",
      received: null,
    });
  if (armOf(bucketOf({ version, experiment: uid, unit }), buckets).place === place) return;
  invalid(`The hash of '${unit}' does not give it arm ${place} at these shares.`, {
    field: "arm",
    received: place,
  });
}

/** The arms' claims on the buckets at these shares. @throws DethroneError `input_invalid` */
function bucketsOf({ arms }: StoredExperiment, shares: StartOperation["shares"]) {
  if (shares?.length !== arms.length - 1)
    invalid(`shares must be a list of ${arms.length - 1}, one for each challenger.`, {
      field: "shares",
      received: shares,
    });
  const counts = shares.map((share) => Math.round(share * BUCKET_COUNT));
  const left = BUCKET_COUNT - counts.reduce((sum, count) => sum + count, 0);
  if (left < 0 || counts.some((count) => count < 0))
    invalid("Shares must lie in [0, 1] and add up to 1 at most.", { field: "shares", received: shares });
  return [left, ...counts].map((bucketCount, place) => ({
    ...{ place, bucketCount },
    role: place === 0 ? ("champion" as const) : ("challenger" as const),
  }));
}

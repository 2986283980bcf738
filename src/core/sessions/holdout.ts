/**
 * The holdout of a project: units that always get the champion, the same ones in every experiment, so that what all
 * promotions together brought about can be measured against them.
 */
import { DethroneError, domainError, received } from "../errors.js";
import { BUCKET_COUNT, bucketOf, type HashVersion } from "./assignment.js";

/** Largest share of a project's units that may be held out. */
const HOLDOUT_SHARE_MAX = 0.5;

/** What decides whether a unit is held out. */
export interface HoldoutInput {
  readonly version: HashVersion;
  /** the project's key */
  readonly project: string;
  readonly unit: string;
  /** buckets held out, an integer in [0, 10000] */
  readonly bucketCount: number;
}

/**
 * Whether a unit is in the holdout of its project: in the lowest `bucketCount` buckets of a hash that no experiment
 * shares, so that raising the count only ever adds units.
 *
 * The hash is that of assignment with `holdout:"<project>"` as the experiment, the project's key as JSON writes it: its
 * quotes keep it apart from the ids of experiments, and one project from another. Frozen by the fixtures of the tests.
 *
 * @throws DethroneError `numeric_domain` if bucketCount is outside its range
 * @example
 * isHeldOut({ version: 2, project: "checkout", unit: "user:2", bucketCount: 500 }); // true: its bucket is 272
 */
export function isHeldOut({ version, project, unit, bucketCount }: HoldoutInput): boolean {
  if (!Number.isInteger(bucketCount) || bucketCount < 0 || bucketCount > BUCKET_COUNT)
    domainError("bucketCount", bucketCount, "an integer in [0, 10000]");
  return bucketOf({ version, experiment: `holdout:${JSON.stringify(project)}`, unit }) < bucketCount;
}

/**
 * The bucket count of a holdout's share, to the nearest 1/10,000.
 *
 * @param share in [0, 0.5]; 0 holds nobody out
 * @throws DethroneError `share_out_of_range`
 * @example
 * holdoutBuckets(0.05); // 500
 */
export function holdoutBuckets(share: unknown): number {
  if (typeof share === "number" && share >= 0 && share <= HOLDOUT_SHARE_MAX)
    return Math.round(share * BUCKET_COUNT);
  const allowed = `[0, ${HOLDOUT_SHARE_MAX}]`;
  throw new DethroneError(
    "share_out_of_range",
    `The share of a holdout must lie in ${allowed}; received ${JSON.stringify(received(share))}.`,
    { received: received(share), allowed },
  );
}

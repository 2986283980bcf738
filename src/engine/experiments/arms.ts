/**
 * The arms of a stored experiment: who contends, with which share, and who is out.
 */
import type { OutReason } from "../../core/decision/decide.js";
import { DethroneError } from "../../core/errors.js";
import { BUCKET_COUNT, bucketCountOf, shareOf } from "../../core/sessions/assignment.js";
import type { ArmChange, StoredArm, StoredExperiment } from "../ports.js";

type WithArms = Pick<StoredExperiment, "arms">;

/** The challengers' arms, in their order. */
export function challengersOf({ arms }: WithArms): readonly StoredArm[] {
  return arms.slice(1);
}

/** The arm at a place: 0 the champion, j the j-th challenger. */
export function armAt({ arms }: WithArms, place: number): StoredArm {
  const arm = arms[place];
  if (!arm) throw new DethroneError("invariant_violated", `An experiment without an arm ${place}.`);
  return arm;
}

/** The challengers' shares of the sessions to come. */
export function sharesOf(experiment: WithArms): readonly number[] {
  return challengersOf(experiment).map(({ bucketCount }) => shareOf(bucketCount));
}

/** Who is out, in the order of the challengers' arms; null where none is. */
export function outOf(experiment: WithArms): readonly (OutReason | null)[] | null {
  const out = challengersOf(experiment).map((arm) => arm.out);
  return out.every((reason) => reason === null) ? null : out;
}

/** The buckets of shares: what the challengers have, the champion has not. */
export function bucketsOf(shares: readonly number[]): { champion: number; challengers: readonly number[] } {
  const challengers = shares.map(bucketCountOf);
  return { champion: BUCKET_COUNT - challengers.reduce((sum, buckets) => sum + buckets, 0), challengers };
}

/**
 * The arms with other shares and other challengers out; the share of who is out returns to the champion. Null where
 * nothing changes.
 */
export function changedArms(
  experiment: WithArms,
  shares: readonly number[],
  out: readonly (OutReason | null)[] | null,
): readonly ArmChange[] | null {
  const { champion, challengers } = bucketsOf(shares.map((share, j) => (out?.[j] ? 0 : share)));
  const changes = experiment.arms.map(
    ({ id }, place): ArmChange =>
      place === 0
        ? { id, bucketCount: champion, out: null }
        : { id, bucketCount: challengers[place - 1] as number, out: out?.[place - 1] ?? null },
  );
  const isSame = changes.every(({ bucketCount, out: reason }, place) => {
    const now = experiment.arms[place] as StoredArm;
    return now.bucketCount === bucketCount && now.out === reason;
  });
  return isSame ? null : changes;
}

/**
 * Units that are given an arm by hand, to try it before anyone else does; and experiments put away.
 */
import { hasEnded } from "../../core/decision/life-cycle.js";
import { DethroneError, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { Override, Store } from "../ports.js";
import { armAt } from "./arms.js";
import { auditByHand, type ByHand, persist } from "./audit.js";
import { isText } from "./description.js";
import { placeOf, requireExperiment, requireOccupied } from "./lookup.js";

/** Overrides an experiment may have: every process keeps them in memory. */
const OVERRIDES_MAX = 1000;
const UNIT_LENGTH_MAX = 200;

function checkUnit(unit: unknown): asserts unit is string {
  if (isText(unit, UNIT_LENGTH_MAX)) return;
  throw new DethroneError("input_invalid", `A unit must be a text of 1 to ${UNIT_LENGTH_MAX} characters.`, {
    received: received(unit),
  });
}

/**
 * Gives a unit an arm of the experiment in the slot, or takes that away. Its sessions are served and recorded, flagged,
 * and never evidence.
 *
 * @param arm `champion`, `challenger` where there is one, else a challenger's place, label or hash; null: randomised
 *   again
 * @throws DethroneError `input_invalid`, `experiment_not_found`, `arm_not_found`, `settings_invalid`
 */
export function setOverride(
  context: EngineContext,
  store: Store,
  key: string,
  unit: string,
  arm: string | number | null,
  byHand: ByHand,
): Promise<void> {
  checkUnit(unit);
  return persist(key, async () => {
    const experiment = await requireOccupied(store, key);
    const isChampion = arm === "champion" || arm === 0;
    const named = arm === "challenger" ? undefined : arm;
    const place = arm === null ? null : isChampion ? 0 : await placeOf(store, experiment, named);
    const existing = await store.overrides(experiment.id);
    if (place !== null && existing.length >= OVERRIDES_MAX && existing.every((each) => each.unit !== unit)) {
      throw new DethroneError(
        "settings_invalid",
        `An experiment takes at most ${OVERRIDES_MAX} overrides: they are for trying arms out. Take some away first.`,
        { allowed: OVERRIDES_MAX },
      );
    }
    const audit = auditByHand(context, place === null ? "override-removed" : "override", byHand, {
      unit,
      arm: place,
    });
    const armId = place === null ? null : armAt(experiment, place).id;
    return { isDone: await store.setOverride({ experiment, unit, armId, audit }), result: undefined };
  });
}

/** The overrides of the experiment in the slot; none where it is free. */
export async function overridesOf(store: Store, key: string): Promise<readonly Override[]> {
  const state = await store.projectState(key);
  return state?.experiment ? store.overrides(state.experiment.id) : [];
}

/** Puts an experiment that has ended away: it is kept, and left out of lists. */
export function archive(
  context: EngineContext,
  store: Store,
  key: string,
  id: string,
  byHand: ByHand,
): Promise<void> {
  return persist(key, async () => {
    const experiment = await requireExperiment(store, key, id);
    const { uid, status, archivedAtMs } = experiment;
    if (!hasEnded(status)) {
      throw new DethroneError(
        "transition_illegal",
        `Experiment ${uid} is ${status}; end it before it is archived.`,
        {
          experiment: uid,
          status,
        },
      );
    }
    if (archivedAtMs !== null) return { isDone: true, result: undefined };
    const audit = auditByHand(context, "archived", byHand);
    return { isDone: await store.archiveExperiment({ experiment, audit }), result: undefined };
  });
}

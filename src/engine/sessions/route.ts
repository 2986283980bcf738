/**
 * Which arm a session is meant for: arithmetic on the project's state in memory. Pure; what is stored of its unit may
 * still put it elsewhere.
 */
import type { JsonObject } from "../../core/errors.js";
import { placeBy } from "../../core/sessions/assign.js";
import {
  armOf,
  type HashVersion,
  type Salt,
  SHARE_MIN,
  saltedBucketOf,
  saltOf,
  shareOf,
} from "../../core/sessions/assignment.js";

import { isHeldOut } from "../../core/sessions/holdout.js";
import type { Exclusion, ServedExperiment, ServedState, StoredArm, StoredConfig } from "../ports.js";
import { isInAudience } from "./audience.js";

/** Which role to force on every session, in tests of a host. Forced sessions are never evidence. */
export type ForcedRole = "champion" | "challenger";

/** Where a session goes. */
export interface Route {
  /** the running experiment, also where the session stays outside of it; null where none runs */
  readonly experiment: ServedExperiment | null;
  /** the champion's where the session stays outside; null where no experiment runs */
  readonly arm: StoredArm | null;
  readonly config: StoredConfig;
  /** the challengers' shares, in the order of their arms */
  readonly shares: readonly number[] | null;
  readonly excluded: Exclusion | null;
}

/** What a session is routed by. */
export interface RoutedSession {
  /** what is randomised: the session's unit, or the session's own id */
  readonly unit: string;
  readonly context: JsonObject | null;
  readonly forced: ForcedRole | undefined;
  /** how many sessions the process has started before */
  readonly turn: number;
}

/** Why a session stays outside of the experiment, under the champion, unless its unit has an arm already. */
export function isOutside(excluded: Exclusion | null): boolean {
  return excluded === "holdout" || excluded === "audience";
}

/** The arm a unit was given by hand; one that is out of the contest is given to nobody. */
function overriddenArm(state: ServedState, experiment: ServedExperiment, unit: string): StoredArm | null {
  // Most projects have none, and to look a text up it is hashed.
  if (state.overrides.size === 0) return null;
  const id = state.overrides.get(unit);
  if (id === undefined) return null;
  const arm = experiment.arms.find((each) => each.id === id);
  return arm && arm.out === null ? arm : null;
}

/**
 * Whether chance decides between the champion and some challenger. What the core makes of a session is pair by pair, and
 * a pair of which one side gets nobody learns nothing from the other.
 */
function isRandomised({ arms }: ServedExperiment): boolean {
  const hasShare = ({ bucketCount }: StoredArm): boolean => shareOf(bucketCount) >= SHARE_MIN;
  const [champion, ...challengers] = arms;
  return (
    champion !== undefined &&
    hasShare(champion) &&
    challengers.some((arm) => arm.out === null && hasShare(arm))
  );
}
/** Whatever hash an experiment assigns by: the same units are held out of all of them. Never changes. */
const HOLDOUT_HASH: HashVersion = 2;

/** What routing asks of an experiment again and again, whoever the session is. */
interface Routing {
  readonly experiment: ServedExperiment;
  readonly salt: Salt;
  readonly shares: readonly number[];
  readonly isRandomised: boolean;
}

/** By the experiment as one snapshot of the project has it, which never changes. */
const routings = new WeakMap<ServedExperiment, Routing>();

function routingOf(experiment: ServedExperiment): Routing {
  const known = routings.get(experiment);
  if (known) return known;
  const routing = {
    experiment,
    salt: saltOf(experiment.hashVersion, experiment.uid),
    shares: experiment.arms.slice(1).map(({ bucketCount }) => shareOf(bucketCount)),
    isRandomised: isRandomised(experiment),
  };
  routings.set(experiment, routing);
  return routing;
}

/** Why a session stays outside of an experiment of the project of this key; null where it does not. */
export function outsideBecause(
  project: string,
  experiment: Pick<ServedExperiment, "holdoutBuckets" | "audience">,
  session: Pick<RoutedSession, "unit" | "context">,
): Exclusion | null {
  const { holdoutBuckets: bucketCount, audience } = experiment;
  // Most projects hold nobody out, and a second hash would be for nothing.
  const hasHoldout = bucketCount > 0;
  const of = { version: HOLDOUT_HASH, project, unit: session.unit, bucketCount };
  if (hasHoldout && isHeldOut(of)) return "holdout";
  return isInAudience(audience, session.context) ? null : "audience";
}

/** The arm by a rule; the champion's where the rule's is out of the contest. */
function ruledArm({ assign, arms }: ServedExperiment, session: RoutedSession): StoredArm | null {
  // A server of an earlier version says nothing of it.
  if (!assign) return null;
  const arm = arms[placeBy(assign, session, arms.length)] as StoredArm;
  return arm.out === null ? arm : (arms[0] as StoredArm);
}

/** The arm by a rule or by the hash of the unit; the champion's for who stays outside. */
function givenArm(
  { experiment, salt, isRandomised: isChance }: Routing,
  session: RoutedSession,
  outside: Exclusion | null,
): { readonly arm: StoredArm; readonly excluded: Exclusion | null } {
  const champion = experiment.arms[0] as StoredArm;
  if (outside) return { arm: champion, excluded: outside };
  const ruled = ruledArm(experiment, session);
  if (ruled) return { arm: ruled, excluded: "assigned" };
  const arm = armOf(saltedBucketOf(salt, session.unit), experiment.arms);
  return { arm, excluded: isChance ? null : "share" };
}

function placeIn(
  state: ServedState,
  routing: Routing,
  session: RoutedSession,
): { readonly arm: StoredArm; readonly excluded: Exclusion | null } {
  const { experiment } = routing;
  const { forced, unit } = session;
  const forcedArm = forced && experiment.arms.find(({ role, out }) => role === forced && out === null);
  if (forcedArm) return { arm: forcedArm, excluded: "forced" };
  const overridden = overriddenArm(state, experiment, unit);
  if (overridden) return { arm: overridden, excluded: "override" };
  return givenArm(routing, session, outsideBecause(state.key, experiment, session));
}

/**
 * Where a session goes: the first that applies of a forced role, an arm given by hand, the holdout, the audience, the
 * experiment's rule, and the hash of its unit. Without a running experiment everyone gets the champion.
 */
export function routeOf(state: ServedState, session: RoutedSession): Route {
  const { experiment, champion } = state;
  if (experiment?.status !== "running") {
    return { experiment: null, arm: null, config: champion, shares: null, excluded: null };
  }
  const routing = routingOf(experiment);
  const { arm, excluded } = placeIn(state, routing, session);
  return { experiment, arm, config: arm.config, shares: routing.shares, excluded };
}

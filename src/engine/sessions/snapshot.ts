/**
 * All that assigning sessions of a project takes, as one JSON value: what a process without the database works by.
 *
 * Pure, and {@link routingState} turns it back into what {@link routeOf} takes, so a session gets the same arm here and
 * there. An arm is known by its place in the experiment: 0 is the champion's, j the j-th challenger's.
 */
import type { OutReason } from "../../core/decision/decide.js";
import { DEFAULT_WINDOW_MS } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { HashVersion } from "../../core/sessions/assignment.js";
import type { Audience, ProjectState, StoredArm, StoredConfig, StoredExperiment } from "../ports.js";

/** A config as a snapshot carries it. */
interface SnapshotConfig {
  /** SHA-256 of the canonical JSON, in hexadecimal */
  readonly hash: string;
  readonly body: JsonObject;
}

/** An arm of a snapshot's experiment, in the order of their places. */
interface SnapshotArm {
  readonly role: "champion" | "challenger";
  /** of 10,000; challengers own the lowest buckets, in their order */
  readonly bucketCount: number;
  readonly config: SnapshotConfig;
  readonly label: string | null;
  /** why the challenger is out of the contest; null while it contends */
  readonly out: OutReason | null;
}

/** The experiment in the project's slot. */
interface SnapshotExperiment {
  /** the experiment's id, and the salt of the assignment hash */
  readonly id: string;
  /** paused: everyone gets the champion */
  readonly status: "running" | "paused";
  readonly hashVersion: HashVersion;
  readonly arms: readonly SnapshotArm[];
  /** how the shares move; the arms' buckets are what holds now */
  readonly shareRule: ShareRule;
  readonly audience: Audience | null;
  readonly exclusionGroup: string | null;
  /** buckets of the units held out, by the project's own hash */
  readonly holdoutBuckets: number;
  readonly windowMs: number;
  /** places of the arms that units were given by hand, by unit */
  readonly overrides: Readonly<Record<string, number>>;
}

/** All that assigning a project's sessions takes. */
export interface ProjectSnapshot {
  readonly project: string;
  readonly champion: SnapshotConfig;
  readonly experiment: SnapshotExperiment | null;
  /** how long sessions outside of an experiment accept signals, in milliseconds */
  readonly windowMs: number;
}

const configOf = ({ hash, body }: StoredConfig): SnapshotConfig => ({ hash, body });

const isInSlot = (status: StoredExperiment["status"]): status is "running" | "paused" =>
  status === "running" || status === "paused";

function experimentOf({ experiment, overrides }: ProjectState): SnapshotExperiment | null {
  if (!experiment || !isInSlot(experiment.status)) return null;
  const { uid, status, hashVersion, arms, shareRule, audience, exclusionGroup, holdoutBuckets } = experiment;
  const placeOf = (armId: number): number => arms.findIndex(({ id }) => id === armId);
  return {
    id: uid,
    status,
    hashVersion,
    arms: arms.map(({ role, bucketCount, config, label, out }) => ({
      ...{ role, bucketCount, config: configOf(config), label, out },
    })),
    ...{ shareRule, audience, exclusionGroup, holdoutBuckets },
    windowMs: experiment.policy.windowMs,
    overrides: Object.fromEntries([...overrides].map(([unit, armId]) => [unit, placeOf(armId)])),
  };
}

/** The snapshot of a project as it is stored. */
export function snapshotOf(state: ProjectState): ProjectSnapshot {
  return {
    project: state.key,
    champion: configOf(state.champion),
    experiment: experimentOf(state),
    windowMs: DEFAULT_WINDOW_MS,
  };
}

/** What routing looks at of a project. */
export type RoutingState = Pick<ProjectState, "key" | "champion" | "overrides"> & {
  readonly experiment: RoutingExperiment | null;
};

/** What routing looks at of an experiment. */
export type RoutingExperiment = Pick<
  StoredExperiment,
  "uid" | "status" | "hashVersion" | "arms" | "audience" | "holdoutBuckets"
>;

/**
 * What routing takes, out of a snapshot: an arm's id is its place there, and a config's the place of its first arm, or
 * -1 of a champion that has none.
 */
export function routingState({ project, champion, experiment }: ProjectSnapshot): RoutingState {
  const hashes = (experiment?.arms ?? []).map(({ config }) => config.hash);
  const stored = ({ hash, body }: SnapshotConfig): StoredConfig => ({ id: hashes.indexOf(hash), hash, body });
  const overrides = new Map(Object.entries(experiment?.overrides ?? {}));
  if (!experiment) return { key: project, champion: stored(champion), overrides, experiment };
  const { id: uid, status, hashVersion, audience, holdoutBuckets } = experiment;
  const arms = experiment.arms.map((arm, id): StoredArm => ({ ...arm, id, config: stored(arm.config) }));
  return {
    key: project,
    champion: stored(champion),
    overrides,
    experiment: { uid, status, hashVersion, arms, audience, holdoutBuckets },
  };
}

/**
 * All that assigning sessions of a project takes, as one JSON value: what a process without the database works by.
 *
 * Pure, and {@link servedState} turns it back into what {@link routeOf} takes, so a session gets the same arm here and
 * there. An arm is known by its place in the experiment: 0 is the champion's, j the j-th challenger's.
 */
import type { OutReason } from "../../core/decision/decide.js";
import { DEFAULT_WINDOW_MS, type Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { Assign } from "../../core/sessions/assign.js";
import type { HashVersion } from "../../core/sessions/assignment.js";
import type { Audience, ProjectState, ServedState, StoredConfig, StoredExperiment } from "../ports.js";

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
  /** what gives sessions their arms; null: chance */
  readonly assign: Assign | null;
  /** buckets of the units held out, by the project's own hash */
  readonly holdoutBuckets: number;
  readonly windowMs: number;
  readonly fuse: Policy["fuse"];
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
  const { uid, status, hashVersion, arms, shareRule, audience, exclusionGroup } = experiment;
  const { assign, holdoutBuckets } = experiment;
  const placeOf = (armId: number): number => arms.findIndex(({ id }) => id === armId);
  return {
    id: uid,
    status,
    hashVersion,
    arms: arms.map(({ role, bucketCount, config, label, out }) => ({
      ...{ role, bucketCount, config: configOf(config), label, out },
    })),
    ...{ shareRule, audience, exclusionGroup, assign, holdoutBuckets },
    windowMs: experiment.policy.windowMs,
    fuse: experiment.policy.fuse,
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

/** Makes numbers of names, as a database does: the same for the same name, another for any other. */
export type IdOf = (kind: "project" | "config" | "experiment" | "arm", name: string) => number;

/** What sessions are begun by, out of a snapshot. An arm's name is its experiment's id and its place, `<id>/<place>`. */
export function servedState({ project, champion, experiment }: ProjectSnapshot, idOf: IdOf): ServedState {
  const stored = ({ hash, body }: SnapshotConfig): StoredConfig => ({ id: idOf("config", hash), hash, body });
  const head = { id: idOf("project", project), key: project, champion: stored(champion) };
  if (!experiment) return { ...head, overrides: new Map(), experiment };
  const { id: uid, windowMs, fuse, overrides, arms, ...terms } = experiment;
  const armIdOf = (place: number): number => idOf("arm", `${uid}/${place}`);
  return {
    ...head,
    overrides: new Map(Object.entries(overrides).map(([unit, place]) => [unit, armIdOf(place)])),
    experiment: {
      ...{ id: idOf("experiment", uid), uid, policy: { windowMs, fuse }, ...terms },
      arms: arms.map((arm, place) => ({ ...arm, id: armIdOf(place), config: stored(arm.config) })),
    },
  };
}

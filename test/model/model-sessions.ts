/**
 * Sessions in the model: a process routes by what it knows of the project, and the database has the last word on units.
 */
import {
  type Arm,
  type By,
  type Experiment,
  type Model,
  refuse,
  type StoredSession,
  type View,
} from "./model.js";

const MASK = (1n << 64n) - 1n;

/** Version 2 of the assignment hash: FNV-1a of 64 bits, the finaliser of MurmurHash3, modulo 10,000. */
function bucketOf(experiment: string, unit: string): number {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(`${experiment}:${unit}`))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  hash = ((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  hash = ((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return Number((hash ^ (hash >> 33n)) % 10_000n);
}

const isHeldOut = (project: string, unit: string, buckets: number): boolean =>
  bucketOf(`holdout:"${project}"`, unit) < buckets;

/** How a session is asked for. */
export interface Start {
  readonly id: string | undefined;
  readonly unit: string | undefined;
  readonly platform: string | undefined;
  /** id of a session it is a part of */
  readonly parent: string | undefined;
}

/** A session as its host gets it. */
export interface Served extends Pick<StoredSession, "id" | "config" | "experiment" | "unit" | "root"> {
  readonly place: number;
  readonly isResumed: boolean;
}

interface Place {
  readonly place: number;
  readonly excluded: string | null;
}

/** The challengers own the lowest buckets in their order, the champion the rest. */
function hashedPlace(arms: readonly Arm[], bucket: number): number {
  let end = 0;
  const place = arms.findIndex(({ buckets }, at) => {
    if (at > 0) end += buckets;
    return at > 0 && bucket < end;
  });
  return place > 0 ? place : 0;
}

/** Whether both the champion and a challenger that contends get someone. */
const isRandom = ([champion, ...challengers]: readonly Arm[]): boolean =>
  (champion?.buckets ?? 0) > 0 && challengers.some(({ out, buckets }) => out === null && buckets > 0);

/** By hand first, then who stays outside, then the hash. */
function routed(experiment: Experiment, by: By, unit: string, platform: string | undefined): Place {
  const { arms, overrides, holdout, audience, uid } = experiment;
  const byHand = overrides[unit];
  if (byHand !== undefined && arms[byHand]?.out === null) return { place: byHand, excluded: "override" };
  if (isHeldOut(by.project, unit, holdout)) return { place: 0, excluded: "holdout" };
  if (audience !== null && platform !== audience) return { place: 0, excluded: "audience" };
  return { place: hashedPlace(arms, bucketOf(uid, unit)), excluded: isRandom(arms) ? null : "share" };
}

const isOutside = (excluded: string | null): boolean =>
  excluded !== null && ["holdout", "audience", "exclusive", "dropped"].includes(excluded);

function stored(model: Model, uid: string): Experiment {
  const all = Object.values(model.projects).flatMap(({ experiments }) => experiments);
  return all.find((each) => each.uid === uid) as Experiment;
}

/** Whether the unit takes part in another experiment of the group that has not ended. */
function isElsewhere(model: Model, { uid, group }: Experiment, unit: string): boolean {
  if (group === null) return false;
  const all = Object.values(model.projects).flatMap(({ experiments }) => experiments);
  return all.some(
    (each) => each.uid !== uid && each.group === group && each.endedAtMs === null && each.units[unit],
  );
}

/** What is stored of a unit wins; a unit that takes part for the first time is claimed by the session. */
function claimed(model: Model, experiment: Experiment, unit: string, route: Place, session: string): Place {
  const now = stored(model, experiment.uid);
  const claim = now.units[unit];
  if (route.excluded === "override") return route;
  if (claim && now.arms[claim.place]?.out !== null) return { place: 0, excluded: "dropped" };
  if (claim) return { place: claim.place, excluded: "repeat" };
  if (route.excluded !== null) return route;
  if (isElsewhere(model, now, unit)) return { place: 0, excluded: "exclusive" };
  now.units[unit] = { place: route.place, session };
  return route;
}

function placed(model: Model, by: By, { unit, platform }: Start, id: string, view: View) {
  const { slot, champion } = view;
  if (slot?.status !== "running")
    return { config: champion, experiment: null, place: null, excluded: null, shares: null };
  const route = routed(slot, by, unit ?? id, platform);
  const { place, excluded } = unit === undefined ? route : claimed(model, slot, unit, route, id);
  if (isOutside(excluded))
    return { config: (slot.arms[0] as Arm).config, experiment: null, place: null, excluded, shares: null };
  const shares = slot.arms.slice(1).map(({ buckets }) => buckets / 10_000);
  return { config: (slot.arms[place] as Arm).config, experiment: slot.uid, place, excluded, shares };
}

function served(session: StoredSession, isResumed: boolean): Served {
  const { id, config, experiment, place, unit, root } = session;
  return { id, config, experiment, place: place ?? 0, unit, root, isResumed };
}

function resume(session: StoredSession, { project }: By): Served {
  return session.project === project ? served(session, true) : refuse("input_invalid");
}

/** Starts a session, resumes the one of its id, or joins a parent of its own project. */
export function startSession(model: Model, by: By, start: Start): Served {
  const find = (id: string | undefined) => model.sessions.find((each) => each.id === id);
  const parent = find(start.parent);
  const isSameUnit = start.unit === undefined || start.unit === parent?.unit;
  if (parent?.project === by.project && start.id === undefined && isSameUnit) return served(parent, true);
  const known = find(start.id);
  if (known) return resume(known, by);
  const id = start.id ?? model.newSessions.shift() ?? "a session that the engine did not start";
  const root = parent === undefined ? null : (parent.root ?? parent.id);
  const place = placed(model, by, start, id, model.views[by.process][by.project] as View);
  const session = { id, project: by.project, unit: start.unit ?? null, root, ...place };
  model.sessions.push(session);
  return served(session, false);
}

/**
 * What operations are given: small pools, so that the same configs, labels and units meet again and again.
 */
import fc from "fast-check";
import { ACTORS, type By, hashOf, type Model, REASON, type Ref, type Share } from "./model.js";

export const NAMES = ["a", "b", "c", "d", "e", "f"] as const;
export const config = fc.constantFrom<string>(...NAMES);
export const labels = fc.array(fc.constantFrom(null, null, "X", "Y", "Z"), { minLength: 3, maxLength: 3 });
// Mostly not the first champions.
const challenger = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<string>("c", "d", "e", "f") },
  { weight: 1, arbitrary: config },
);
/** Mostly lists that are allowed. */
export const challengers = fc.oneof(
  { weight: 5, arbitrary: challenger.map((name) => [name]) },
  { weight: 10, arbitrary: fc.uniqueArray(challenger, { minLength: 2, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(config, { maxLength: 3 }) },
);
export const share = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom<Share>(0.2, 0.5, 0.8, 0.99) },
  { weight: 2, arbitrary: fc.constantFrom<Share>(0, 0.01) },
  { weight: 2, arbitrary: fc.constantFrom<Share>([0.3, 0.4], [0, 0.5], [0.1, 0, 0.5]) },
  { weight: 1, arbitrary: fc.constantFrom<Share>(0.005, 1, [0.5, 0.5], [0.5, -1], []) },
);
/** A challenger by its place, label or hash; undefined where there is but one. */
export const ref = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Ref>(undefined, 1, 1, 2, 2, "1", "2", 3) },
  { weight: 2, arbitrary: config.map((name): Ref => `hash:${name}`) },
  { weight: 2, arbitrary: fc.constantFrom<Ref>("X", "Y", "Z") },
  { weight: 1, arbitrary: fc.constantFrom<Ref>("nobody", 0, 4) },
);
export const given = ref.filter((each): each is string | number => each !== undefined);
/** The how-manieth newest experiment of the project; -1 one that there is not, -2 another project's. */
export const which = fc.oneof(
  { weight: 8, arbitrary: fc.nat(4) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -2) },
);
export const whichOrSlot = fc.option(which, { nil: undefined, freq: 2 });
/** Milliseconds from now. */
export const later = fc.constantFrom(0, 1000, 60_000);

export function uidOf(model: Readonly<Model>, { project }: By, at: number): string {
  const nobody = "00000000-0000-7000-8000-000000000000";
  const isOfAnother = at === -2;
  const owner = Object.values(model.projects).find(({ key }) => (key === project) !== isOfAnother);
  const experiments = owner?.experiments ?? [];
  if (at === -1 || experiments.length === 0) return nobody;
  return experiments.at(-1 - (Math.max(0, at) % experiments.length))?.uid ?? nobody;
}

export const uidOrSlot = (model: Readonly<Model>, doneBy: By, at: number | undefined): string | undefined =>
  at === undefined ? undefined : uidOf(model, doneBy, at);

/** A name as the engine takes it. */
export const real = <T>(name: T): T | string =>
  typeof name === "string" && name.startsWith("hash:") ? hashOf(name.slice(5)).slice(0, 12) : name;

export const reasonOf = ({ process }: By) => ({ reason: REASON, actor: ACTORS[process] });

/** Few enough that they meet in both projects, and many enough that all arms get some. */
export const unit = fc.nat(11).map((at) => `unit-${at}`);

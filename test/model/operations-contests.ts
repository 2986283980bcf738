/**
 * How contests are planned and begin, by people, boot code and time.
 */
import fc from "fast-check";
import { challengers, given, labels, later, NAMES, real, reasonOf, share, uidOf, which } from "./inputs.js";
import {
  ACTORS,
  advance,
  type By,
  championOf,
  type Model,
  type Plan,
  projectOf,
  restart as restartOf,
} from "./model.js";
import * as byHand from "./model-by-hand.js";
import { challenge, draft } from "./model-contests.js";
import { stepsOf } from "./step.js";

/** What is asked for; `next` derives the challenger from the champion, as it is stored. */
interface Asked extends Omit<Plan, "challengers" | "startsAtMs"> {
  readonly challengers: readonly string[] | "next";
  readonly startsInMs: number | null;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  challengers: fc.oneof(
    { weight: 8, arbitrary: challengers },
    { weight: 1, arbitrary: fc.constant("next" as const) },
  ),
  share,
  labels,
  again: fc.constantFrom("", "", "", "new model", "second try"),
  audience: fc.constantFrom(null, null, null, null, "ios"),
  group: fc.constantFrom(null, "one", "one"),
  watch: fc.constantFrom(null, null, 0.05, 0.3),
  lastsMs: fc.constantFrom(null, null, null, 5000),
  startsInMs: fc.option(later, { nil: null }),
});

const nextTo = (name: string): string => NAMES[(NAMES.indexOf(name as "a") + 1) % NAMES.length] as string;

function planOf({ startsInMs, ...contest }: Asked, by: By, model: Readonly<Model>): Plan {
  const champion = championOf(projectOf(model, by));
  const names = contest.challengers === "next" ? [nextTo(champion)] : contest.challengers;
  const startsAtMs = startsInMs === null ? null : model.nowMs + startsInMs;
  return { ...contest, challengers: names, labels: contest.labels.slice(0, names.length), startsAtMs };
}

const configsOf = (contest: Asked, { challengers: names }: Plan) =>
  contest.challengers === "next"
    ? (champion: { name: string }) => ({ name: nextTo(champion.name) })
    : names.map((name) => ({ name }));

function optionsOf(
  { audience, group, watch, lastsMs, labels: label, again, ...plan }: Plan,
  { process }: By,
) {
  return {
    share: plan.share,
    label,
    again,
    actor: ACTORS[process],
    ...(audience === null ? {} : { audience: { where: { platform: audience } } }),
    ...(group === null ? {} : { exclusionGroup: group }),
    ...(watch === null ? {} : { watch: { share: watch, horizon: 500 } }),
    ...(lastsMs === null ? {} : { policy: { maxDurationMs: lastsMs } }),
  };
}

const outcomeOf = ({ status, experiment }: { status: string; experiment: { id: string } | null }) => ({
  status,
  experiment: experiment?.id ?? null,
});

const challengeSteps = stepsOf("challenge", asked, (contest, by, model) => {
  const plan = planOf(contest, by, model);
  return {
    async perform(world) {
      const options = optionsOf(plan, by);
      return outcomeOf(await world.project(by).challenge(configsOf(contest, plan), options));
    },
    predict: (now) => challenge(now, by, plan),
  };
});

const draftSteps = stepsOf("draft", asked, (contest, by, model) => {
  const plan = planOf(contest, by, model);
  return {
    async perform(world) {
      const options = { ...optionsOf(plan, by), startsAt: plan.startsAtMs };
      return outcomeOf(await world.project(by).draft(configsOf(contest, plan), options));
    },
    predict: (now) => draft(now, by, plan),
  };
});

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

const askedEdit = fc.record({
  at: which,
  add: optional(challengers),
  labels,
  remove: optional(given),
  share: optional(share),
  startsInMs: optional(fc.option(later, { nil: null })),
  description: optional(fc.constantFrom("shorter", "longer")),
});

const edit = stepsOf("edit", askedEdit, ({ at, startsInMs, labels: names, ...rest }, by, model) => {
  const uid = uidOf(model, by, at);
  const label = names.slice(0, rest.add?.length ?? 0);
  const startsAtMs = typeof startsInMs === "number" ? model.nowMs + startsInMs : startsInMs;
  const { add, remove, share: divided, description } = rest;
  return {
    async perform(world) {
      await world.project(by).edit(uid, {
        ...reasonOf(by),
        ...(add === undefined ? {} : { add: add.map((name) => ({ name })), label }),
        remove: real(remove),
        share: divided,
        startsAt: startsAtMs,
        description,
      });
    },
    predict: (now) => byHand.edit(now, by, uid, { ...rest, labels: label, startsAtMs }),
  };
});

const start = stepsOf("start", which, (at, by, model) => {
  const uid = uidOf(model, by, at);
  return {
    async perform(world) {
      await world.project(by).start(uid, reasonOf(by));
    },
    predict: (now) => byHand.startByHand(now, by, uid),
  };
});

// Less than an engine waits before it looks again, as long, or more.
const pass = stepsOf("pass", fc.constantFrom(1, 2500, 5000, 5000, 5000, 61_000), (ms) => ({
  perform: (world) => world.advance(ms),
  predict: (model) => advance(model, ms),
}));

const restart = stepsOf("restart", fc.constant(null), (_, by) => ({
  perform: (world) => world.restart(by.process),
  predict: (model) => restartOf(model, by),
}));

const decide = stepsOf("decide", fc.constant(null), (_, by) => ({
  async perform(world) {
    const ticks = await world.engine(by.process).decide();
    return ticks.map(({ experiment, verdict, reason }) => ({ experiment, verdict, reason }));
  },
  predict: (model) => byHand.decide(model, by),
}));

/** Steps by which contests begin. */
export const beginnings = {
  challenge: challengeSteps,
  draft: draftSteps,
  edit,
  start,
  pass,
  decide,
  restart,
};

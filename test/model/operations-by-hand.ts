/**
 * What people do to the experiment in the slot, to drafts, configs and champions.
 */
import fc from "fast-check";
import {
  config,
  given,
  real,
  reasonOf,
  ref,
  share,
  uidOf,
  uidOrSlot,
  unit,
  which,
  whichOrSlot,
} from "./inputs.js";
import * as byHand from "./model-by-hand.js";
import { stepsOf } from "./step.js";

// What is paused goes on soon, or little would run.
const isPausing = fc.constantFrom(true, false, false, false);

const pause = stepsOf("pause", isPausing, (isPaused, by) => ({
  perform: (world) => world.project(by)[isPaused ? "pause" : "resume"](reasonOf(by)),
  predict: (model) => byHand.setPaused(model, by, isPaused),
}));

const revise = stepsOf("revise", share, (to, by) => ({
  perform: (world) => world.project(by).revise({ share: to, ...reasonOf(by) }),
  predict: (model) => byHand.revise(model, by, to),
}));

const drop = stepsOf("drop", ref, (name, by) => ({
  perform: (world) => world.project(by).drop({ challenger: real(name), ...reasonOf(by) }),
  predict: (model) => byHand.drop(model, by, name),
}));

const abort = stepsOf("abort", whichOrSlot, (at, by, model) => {
  const experiment = uidOrSlot(model, by, at);
  return {
    perform: (world) => world.project(by).abort({ experiment, ...reasonOf(by) }),
    predict: (now) => byHand.abort(now, by, experiment),
  };
});

// No promotion ever waits: there are no outcomes.
const answer = stepsOf("answer", fc.constantFrom("approve" as const, "decline" as const), (how, by) => ({
  perform: (world) => world.project(by)[how](reasonOf(by)),
  predict: (model) => byHand.answerNone(model, by),
}));

const promote = stepsOf("promote", fc.tuple(whichOrSlot, ref), ([at, challenger], by, model) => {
  const experiment = uidOrSlot(model, by, at);
  return {
    perform: (world) =>
      world.project(by).promote({ experiment, challenger: real(challenger), ...reasonOf(by) }),
    predict: (now) => byHand.promote(now, by, experiment, challenger),
  };
});

const former = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: config.map((name) => `hash:${name}`) },
  { weight: 1, arbitrary: fc.constantFrom("X", "Y", "Z", "nothing") },
);

const rollback = stepsOf("rollback", former, (to, by) => ({
  async perform(world) {
    const champion = await world.project(by).rollback({ to: real(to), ...reasonOf(by) });
    return champion.name;
  },
  predict: (model) => byHand.rollback(model, by, to),
}));

const archive = stepsOf("archive", which, (at, by, model) => {
  const uid = uidOf(model, by, at);
  return {
    perform: (world) => world.project(by).archive(uid, reasonOf(by)),
    predict: (now) => byHand.archive(now, by, uid),
  };
});

const holdout = stepsOf("holdout", fc.constantFrom(0, 0.2, 0.5, 0.6), (part, by) => ({
  perform: (world) => world.project(by).holdout(part, reasonOf(by)),
  predict: (model) => byHand.holdOut(model, by, part),
}));

const arm = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<string | number | null>(null, "champion", "challenger", 0, 1, 2) },
  { weight: 1, arbitrary: given },
);

const override = stepsOf("override", fc.tuple(unit, arm), ([name, to], by) => ({
  perform: (world) => world.project(by).override(name, real(to), reasonOf(by)),
  predict: (model) => byHand.override(model, by, name, to),
}));

const labelled = fc.oneof(
  { weight: 4, arbitrary: config.map((name) => `hash:${name}`) },
  { weight: 1, arbitrary: fc.constantFrom("X", "Y") },
);

const label = stepsOf(
  "label",
  fc.tuple(labelled, fc.constantFrom(null, "X", "Y", "Z")),
  ([of, name], by) => ({
    perform: (world) => world.project(by).label(real(of), name, reasonOf(by)),
    predict: (model) => byHand.label(model, by, of, name),
  }),
);

/** Steps by hand. */
export const changes = {
  pause,
  revise,
  drop,
  abort,
  answer,
  promote,
  rollback,
  archive,
  holdout,
  override,
  label,
};

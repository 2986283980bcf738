/**
 * What an agent's host does: sessions of their own, of units, of a context, as parts of others, and resumed.
 */
import fc from "fast-check";
import { unit } from "./inputs.js";
import type { Model } from "./model.js";
import { type Start, startSession } from "./model-sessions.js";
import { stepsOf } from "./step.js";

/** What is asked for; sessions that there are by their place, counted from the newest. */
interface Asked extends Pick<Start, "unit" | "platform"> {
  readonly resumes: number | undefined;
  readonly ownId: string | undefined;
  readonly partOf: number | undefined;
}

const nothing = fc.constant(undefined);
const platform = fc.constantFrom(undefined, "ios", "ios", "web");
const before = fc.nat(30);

const plain = { unit: nothing, platform, resumes: nothing, ownId: nothing, partOf: nothing };

const asked = fc.oneof(
  { weight: 1, arbitrary: fc.record<Asked>(plain) },
  { weight: 6, arbitrary: fc.record<Asked>({ ...plain, unit }) },
  {
    weight: 1,
    arbitrary: fc.record<Asked>({ ...plain, unit: fc.option(unit, { nil: undefined }), resumes: before }),
  },
  // An id may be that of a unit: a session without a unit is one of its own.
  {
    weight: 1,
    arbitrary: fc.record<Asked>({ ...plain, unit: fc.option(unit, { nil: undefined }), ownId: unit }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Asked>({ ...plain, unit: fc.option(unit, { nil: undefined }), partOf: before }),
  },
);

const sessionAt = ({ sessions: all }: Readonly<Model>, at: number | undefined) =>
  at === undefined || all.length === 0 ? undefined : all.at(-1 - (at % all.length));

function startOf(
  model: Readonly<Model>,
  { unit: given, platform: on, resumes, ownId, partOf }: Asked,
): Start {
  const id = ownId ?? sessionAt(model, resumes)?.id;
  return { id, unit: given, platform: on, parent: sessionAt(model, partOf)?.id };
}

/** Steps by which sessions start and are resumed. */
export const sessions = stepsOf("session", asked, (input, by, model) => {
  const start = startOf(model, input);
  const parent = sessionAt(model, input.partOf) ?? null;
  return {
    async perform(world) {
      const { id, unit: given, platform: on } = start;
      const context = on === undefined ? {} : { context: { platform: on } };
      const session = await world.project(by).session({ id, unit: given, parent, ...context });
      await world.engine(by.process).flush();
      const { config, experiment, place, root, isResumed } = session;
      return { id: session.id, config: config.name, experiment, place, unit: session.unit, root, isResumed };
    },
    predict: (now) => startSession(now, by, start),
  };
});

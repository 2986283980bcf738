/**
 * One step of a run: something done by one process to one project, for real and in the model, and then compared.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { By, Model } from "./model.js";
import { brokenRules, expectedTables, storedTables } from "./stored.js";
import { performed, predicted, type Result, type World } from "./world.js";

/** What can be done. The model is asked beforehand what an input means: which experiment, which session. */
export type Act<Input> = (
  input: Input,
  by: By,
  model: Readonly<Model>,
) => {
  perform(world: World): Promise<unknown>;
  predict(model: Model): unknown;
};

/** Steps of one kind. */
export type Steps = fc.Arbitrary<Step>;

/** The projects of a run, and their first champions. */
export const CHAMPIONS = { sales: "a", support: "b" } as const;

const anyone: fc.Arbitrary<By> = fc.record({
  process: fc.constantFrom("A" as const, "B" as const),
  project: fc.constantFrom("sales", "support"),
});

/** Everything that can be seen agrees with the model, and what was written into the audit log stays. */
export function compare(model: Model, world: World): void {
  expect(storedTables(world)).toEqual(expectedTables(model));
  expect(brokenRules(world)).toEqual([]);
  expect(world.changedAudit()).toEqual([]);
  for (const [process, views] of Object.entries(model.views) as [By["process"], Model["views"]["A"]][]) {
    for (const [project, { champion }] of Object.entries(views))
      expect(world.project({ process, project }).champion).toEqual({ name: champion });
  }
}

/** What a step does, its input given; made into text only where it is told of. */
interface Doing {
  readonly act: (by: By, model: Readonly<Model>) => ReturnType<Act<unknown>>;
  readonly toText: () => string;
  /** tried also where it will be refused: most are not, or a run would get nowhere */
  readonly isDaring: boolean;
}

/** Something done by someone. */
export class Step implements fc.AsyncCommand<Model, World> {
  readonly by: By;
  readonly #doing: Doing;

  constructor(by: By, doing: Doing) {
    this.by = by;
    this.#doing = doing;
  }

  /** The same, done by another. */
  doneBy(other: By): Step {
    return new Step(other, this.#doing);
  }

  check(model: Readonly<Model>): boolean {
    if (this.#doing.isDaring) return true;
    const { predict } = this.#doing.act(this.by, model);
    return "value" in predicted(structuredClone(model), predict);
  }

  /** The step with its input looked up: what it comes to, for real and in the model. */
  of(model: Readonly<Model>) {
    const { perform, predict } = this.#doing.act(this.by, model);
    return {
      perform: (world: World): Promise<Result> => performed(() => perform(world)),
      predict: (at: Model): Result => predicted(at, predict),
    };
  }

  async run(model: Model, world: World): Promise<void> {
    const { perform, predict } = this.of(model);
    const result = await perform(world);
    world.tellIds(model);
    expect(result).toEqual(predict(model));
    compare(model, world);
  }

  toString(): string {
    return `${this.by.process} ${this.by.project} ${this.#doing.toText()}`;
  }
}

/** Steps that do one thing, by any process to any project. */
export function stepsOf<Input>(name: string, input: fc.Arbitrary<Input>, act: Act<Input>): Steps {
  const isDaring = fc.nat(2).map((drawn) => drawn === 1);
  return fc.tuple(anyone, input, isDaring).map(
    ([by, given, daring]) =>
      new Step(by, {
        act: (actual, model) => act(given, actual, model),
        toText: () => `${name} ${fc.stringify(given)}`,
        isDaring: daring,
      }),
  );
}

/**
 * Two steps at once. Whatever the engines make of it must be what one after the other would have come to, in one order
 * or the other.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { advance, type Model, REFRESH_MS } from "./model.js";
import { compare, type Step, type Steps } from "./step.js";
import type { Result, World } from "./world.js";

/** A step under way: what it came to, and what the model makes of it at its turn. */
interface Runner {
  readonly result: Result;
  readonly predict: (model: Model) => Result;
}

// Told to look again, because what it was about has become another: then it has done nothing.
const hasGivenUp = ({ result }: Runner): boolean => "refused" in result && result.refused === "state_changed";

function replay(runners: readonly Runner[], model: Model): void {
  for (const { result, predict } of runners.filter((runner) => !hasGivenUp(runner)))
    expect(result).toEqual(predict(model));
  advance(model, REFRESH_MS);
}

class Race implements fc.AsyncCommand<Model, World> {
  readonly #steps: readonly [Step, Step];

  constructor(steps: readonly [Step, Step]) {
    this.#steps = steps;
  }

  check(model: Readonly<Model>): boolean {
    return this.#steps.every((step) => step.check(model));
  }

  async run(model: Model, world: World): Promise<void> {
    const runners = await Promise.all(
      this.#steps.map(async (step): Promise<Runner> => {
        const { perform, predict } = step.of(model);
        return { result: await perform(world), predict };
      }),
    );
    expect(runners.every(hasGivenUp)).toBe(false);
    // What each process has seen of the other is chance's; once both have looked again it is not.
    await world.advance(REFRESH_MS);
    world.tellIds(model);
    this.#explain(runners, model, world);
  }

  #explain(runners: readonly Runner[], model: Model, world: World): void {
    const failures: unknown[] = [];
    for (const order of [runners, [...runners].reverse()]) {
      const candidate = structuredClone(model);
      try {
        replay(order, candidate);
        compare(candidate, world);
        Object.assign(model, candidate);
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    throw new Error(`no order explains it:\n${failures.join("\n")}`, { cause: failures[0] });
  }

  toString(): string {
    return `at once: (${this.#steps.join(") and (")})`;
  }
}

/** Two of the steps at once, one in each process: mostly of one project, and often the same, as boot code is. */
export const racesOf = (steps: Steps): fc.Arbitrary<Race> =>
  fc.tuple(steps, steps, fc.nat(4)).map(([first, other, drawn]) => {
    const process = first.by.process === "A" ? "B" : "A";
    const second = drawn === 1 ? first : other;
    const { project } = drawn === 0 ? second.by : first.by;
    return new Race([first, second.doneBy({ process, project })]);
  });

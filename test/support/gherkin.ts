import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { AstBuilder, compile, GherkinClassicTokenMatcher, Parser } from "@cucumber/gherkin";
import type { PickleStep } from "@cucumber/messages";
import { describe, it } from "vitest";

type Table = readonly (readonly string[])[];

/** What a step does: gets the scenario's world, what the pattern captured, and the step's table. */
type Step<World> = (world: World, captured: readonly string[], table: Table) => unknown;

/** How the scenarios of a file run. */
export interface Steps<World> {
  readonly begin: () => World | Promise<World>;
  readonly end: (world: World) => unknown;
  readonly steps: readonly (readonly [RegExp, Step<World>])[];
}

function tableOf({ argument }: PickleStep): Table {
  return (argument?.dataTable?.rows ?? []).map(({ cells }) => cells.map(({ value }) => value));
}

/** One test a scenario, and a row of its examples. A step that no pattern matches fails it. */
export function runFeature<World>(file: string, { begin, end, steps }: Steps<World>): void {
  const ids = () => randomUUID();
  const document = new Parser(new AstBuilder(ids), new GherkinClassicTokenMatcher()).parse(
    readFileSync(file, "utf8"),
  );
  const pickles = compile(document, file, ids);
  describe(document.feature?.name ?? file, () => {
    pickles.forEach((pickle, index) => {
      it(`${pickle.name} (${index + 1})`, async () => {
        const world = await begin();
        try {
          for (const step of pickle.steps) {
            const found = steps.find(([pattern]) => pattern.test(step.text));
            if (!found) throw new Error(`No step for '${step.text}'.`);
            const captured = (found[0].exec(step.text) as RegExpExecArray).slice(1);
            await found[1](world, captured, tableOf(step));
          }
        } finally {
          await end(world);
        }
      });
    });
  });
}

/**
 * Scores by attribute of the context: one small picture an attribute, on one scale.
 */
import type { Breakdown } from "../../core/decision/breakdown.js";
import { count, percent, signedPoints } from "../../core/words/numbers.js";
import { Legend } from "./frame.js";
import { Dumbbell } from "./inline.js";

type Value = Breakdown["values"][number];

function titleOf({ value, arms }: Value, names: readonly string[]): string {
  const told = arms.map(({ mean, count: units }, arm) =>
    mean === null ? `${names[arm]} none` : `${names[arm]} ${percent(mean)} of ${count(units)}`,
  );
  return `${value}: ${told.join(", ")}`;
}

function domainOf(breakdown: readonly Breakdown[]): readonly [number, number] {
  const means = breakdown
    .flatMap(({ values }) => values.flatMap(({ arms }) => arms.map(({ mean }) => mean)))
    .filter((mean) => mean !== null);
  const low = Math.floor(Math.min(1, ...means) * 10) / 10;
  const high = Math.ceil(Math.max(0, ...means) * 10) / 10;
  return low < high ? [low, high] : [0, 1];
}

/** Scores by the values of each attribute, arm beside arm. */
export function BreakdownCharts({
  breakdown,
  names,
}: {
  readonly breakdown: readonly Breakdown[];
  readonly names: readonly string[];
}) {
  const shown = breakdown.filter(({ values }) => values.length > 0);
  const domain = domainOf(shown);
  const [low, high] = domain;
  return (
    <>
      <Legend items={names.map((name, arm) => ({ arm, name }))} />
      <div class="multiples">
        {shown.map(({ attribute, values, otherCount }) => (
          <section class="multiple">
            <h4>{attribute}</h4>
            <ul class="breakdown">
              {values.map((value) => (
                <li>
                  <span class="breakdown-name">
                    {value.value} <small>{count(value.arms.reduce((sum, arm) => sum + arm.count, 0))}</small>
                  </span>
                  <Dumbbell
                    title={titleOf(value, names)}
                    values={value.arms.map(({ mean }) => mean)}
                    domain={domain}
                  />
                  <span class="breakdown-text">
                    {value.uplift === null ? "-" : signedPoints(value.uplift).replace(/ points$/, "")}
                  </span>
                </li>
              ))}
            </ul>
            <p class="scale">
              <span>{percent(low, 0)}</span>
              <span>{percent(high, 0)}</span>
            </p>
            {otherCount === 0 ? null : <p class="quiet">{count(otherCount)} with other values</p>}
          </section>
        ))}
      </div>
    </>
  );
}

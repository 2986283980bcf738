/**
 * What is believed of each arm's success rate: its density, and the interval that holds 95 % of it.
 */
import { extent, max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { betaPdf } from "../../core/numeric/beta.js";
import { percent } from "../../core/words/numbers.js";
import { armClass, at, BottomAxis, Chart, type Plane } from "./frame.js";

/** An arm's posterior. */
export interface DensityArm {
  readonly arm: number;
  readonly name: string;
  readonly posteriorAlpha: number;
  readonly posteriorBeta: number;
  readonly mean: number;
  readonly interval: readonly [number, number];
}

const STEPS = 100;
const LANE = 14;
/** A density that rises to infinity at an end is cut there. */
const FINITE = 1e300;

interface Curve {
  readonly x: number;
  readonly y: number;
}

/** The part of [0, 1] where anything is to be seen. */
function domainOf(arms: readonly DensityArm[]): readonly [number, number] {
  const [low = 0, high = 1] = extent(arms.flatMap(({ interval }) => interval));
  const margin = Math.max((high - low) * 0.35, 1e-6);
  return [Math.max(0, low - margin), Math.min(1, high + margin)];
}

function curveOf(
  { posteriorAlpha: a, posteriorBeta: b, interval }: DensityArm,
  [from, to]: readonly [number, number],
) {
  // Its own interval too: beside a vague arm a sharp one would fall between the steps.
  const [low, high] = interval;
  const inside = Array.from(
    { length: STEPS + 1 },
    (_, k) => low + ((high - low) * (1.5 * k - 0.25 * STEPS)) / STEPS,
  );
  const across = Array.from({ length: STEPS + 1 }, (_, k) => from + ((to - from) * k) / STEPS);
  return [...new Set([...across, ...inside])]
    .filter((x) => x >= from && x <= to)
    .sort((left, right) => left - right)
    .map((x): Curve => ({ x, y: Math.min(betaPdf({ a, b, x }), FINITE) }));
}

function Density({ arms, plane }: { readonly arms: readonly DensityArm[]; readonly plane: Plane }) {
  const domain = domainOf(arms);
  const lanes = { ...plane, bottom: plane.bottom + LANE * arms.length + 4, left: 12, right: 12 };
  const x = scaleLinear(domain, [lanes.left, lanes.width - lanes.right]);
  const curves = arms.map((arm) => ({ arm, points: curveOf(arm, domain) }));
  const finite = curves.flatMap(({ points }) => points.map(({ y }) => y)).filter((y) => y < FINITE);
  const y = scaleLinear([0, max(finite) || 1], [lanes.height - lanes.bottom, lanes.top]).clamp(true);
  const [low, high] = domain;
  const digits = Math.max(0, Math.min(3, Math.ceil(-Math.log10((high - low) * 20))));
  return (
    <>
      {[...curves].reverse().map(({ arm, points }) => (
        <g class={armClass(arm.arm)}>
          <path
            class="band"
            d={
              area<Curve>(
                (p) => x(p.x),
                y(0),
                (p) => y(p.y),
              ).digits(2)(points) ?? ""
            }
          />
          <path
            class="line"
            d={
              line<Curve>(
                (p) => x(p.x),
                (p) => y(p.y),
              ).digits(2)(points) ?? ""
            }
          />
        </g>
      ))}
      {arms.map(({ arm, mean, interval }, lane) => {
        const top = lanes.height - lanes.bottom + LANE * lane + 10;
        return (
          <g class={`interval ${armClass(arm)}`}>
            <path class="drop" d={`M${at(x(mean))} ${at(y(0))}V${top}`} />
            <path class="stem" d={`M${at(x(interval[0]))} ${top}H${at(x(interval[1]))}`} />
            <circle class="dot" cx={at(x(mean))} cy={top} r="4" />
          </g>
        );
      })}
      <BottomAxis
        plane={{ ...plane, left: 12, right: 12 }}
        ticks={x
          .ticks(plane.isNarrow ? 4 : 7)
          .map((value) => ({ at: x(value), text: percent(value, digits) }))}
        label="success rate"
      />
    </>
  );
}

const intervalText = ([low, high]: readonly [number, number]): string =>
  `${percent(low)} to ${percent(high)}`;

/** The arms' posterior densities with their means and 95 % intervals. */
export function DensityChart({ id, arms }: { readonly id: string; readonly arms: readonly DensityArm[] }) {
  const told = arms.map(
    ({ name, mean, interval }) => `${name} ${percent(mean)}, 95 % between ${intervalText(interval)}`,
  );
  return (
    <Chart
      id={id}
      title="Success rate of each arm"
      description={`What is believed of the success rates: ${told.join("; ")}.`}
      legend={arms.map(({ arm, name, mean, interval }) => ({
        arm,
        name,
        value: `${percent(mean)} (${intervalText(interval)})`,
      }))}
      table={{
        header: ["arm", "mean", "95 % interval", "posterior"],
        rows: arms.map((each) => [
          each.name,
          percent(each.mean, 2),
          intervalText(each.interval),
          `Beta(${Number(each.posteriorAlpha.toPrecision(8))}, ${Number(each.posteriorBeta.toPrecision(8))})`,
        ]),
      }}
      draw={(plane) => <Density arms={arms} plane={plane} />}
    />
  );
}

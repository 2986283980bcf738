/**
 * How long it takes to find challengers by how much better they are.
 */

import type { PlanSettings } from "../../core/simulation/plan.js";
import { horizonFor } from "../../core/simulation/planning.js";
import { percent, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import { LineChart, type LinePoint } from "./line-chart.js";
import { shortPoints } from "./short-text.js";

const STEPS = 40;

/** Days until the horizon that an effect needs, for effects from half the hoped-for one to thrice it. */
function curveOf({ baseRate, effect, share, alpha, powerWanted, sessionsPerDay }: PlanSettings): LinePoint[] {
  const most = Math.min(1 - baseRate, effect * 3);
  return Array.from({ length: STEPS + 1 }, (_, k) => effect / 2 + ((most - effect / 2) * k) / STEPS).flatMap(
    (x) => {
      const horizon = horizonFor({ baseRate, effect: x, share, alpha, power: powerWanted });
      return horizon === null ? [] : [{ x, y: horizon / sessionsPerDay }];
    },
  );
}

/** Days against effect, with the plan's own effect marked; nothing where no effect is hoped for. */
export function PlanChart({ id, plan }: { readonly id: string; readonly plan: PlanSettings }) {
  const points = plan.effect > 0 ? curveOf(plan) : [];
  const own = points.find(({ x }) => x >= plan.effect - 1e-9);
  if (points.length < 2) return null;
  return (
    <LineChart
      id={id}
      title="Days by effect"
      description={`To find a challenger with a chance of ${percent(plan.powerWanted, 0)} takes ${days(own?.y ?? 0)} where it is ${signedPoints(plan.effect)} better, and less where it is better by more.`}
      lines={[{ arm: 1, name: "days at most", points }]}
      x={{ label: "points better", text: shortPoints }}
      y={{
        label: "days",
        text: (value) => (value === 0 ? "0" : days(value)),
        domain: [0, (points[0]?.y ?? 1) * 1.05],
      }}
      marks={own === undefined ? [] : [{ x: own.x, y: own.y, label: days(own.y), tone: "neutral" }]}
      height={240}
    />
  );
}

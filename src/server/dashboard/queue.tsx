/**
 * The challengers that wait their turn in a project, and the budget that starts are held to.
 */
import type { Budget } from "../../core/decision/budget.js";
import { percent } from "../../core/words/numbers.js";
import { days, magnitude } from "../../core/words/quantity.js";
import type { ExperimentSummary } from "../../engine/experiments/experiment-summary.js";
import type { ProjectQueue } from "../../engine/experiments/queue.js";
import { Meter } from "../charts/inline.js";
import { minuteText } from "../time-text.js";
import { experimentPath } from "./names.js";
import { Card, Notices, Scroll } from "./parts.js";

const DAY_MS = 86_400_000;

const WAITS: Record<NonNullable<ProjectQueue["waitsFor"]>, string> = {
  slot: "The first one starts when the experiment in the slot has ended.",
  budget: "Nothing starts until there is budget for it.",
  time: "The first one starts at its time.",
  tick: "The first one starts with the next tick.",
};

/** How much of the budget is spent. */
function BudgetMeter({ budget }: { readonly budget: Budget }) {
  const { limit, spent, left, windowMs } = budget;
  const within = windowMs === null ? "" : ` within ${days(windowMs / DAY_MS)}`;
  const title = `${magnitude(spent)} of ${magnitude(limit)} expected false promotions spent${within}`;
  return (
    <div class="budget">
      <Meter title={title} fraction={spent / limit} tone={left === 0 ? "bad" : "good"} />
      <p class="quiet small">Budget: {title}.</p>
    </div>
  );
}

/** What waits in a project; nothing where nobody waits and there is no budget. */
export function QueueCard(props: {
  readonly project: string;
  readonly queue: ProjectQueue;
  readonly nameOf: (experiment: ExperimentSummary) => string;
}) {
  const { project, queue, nameOf } = props;
  const { experiments, waitsFor, message, budget } = queue;
  if (experiments.length === 0 && budget === null) return null;
  return (
    <Card title="Queue" note={waitsFor === null ? "Nobody waits." : WAITS[waitsFor]}>
      <Notices notices={message === null ? [] : [{ tone: "warn", title: "Budget spent.", text: message }]} />
      {budget === null ? null : <BudgetMeter budget={budget} />}
      {experiments.length === 0 ? null : (
        <Scroll label="Queue">
          <table>
            <thead>
              <tr>
                <th scope="col">challenger</th>
                <th scope="col">place</th>
                <th scope="col">share</th>
                <th scope="col">starts from (UTC)</th>
                <th scope="col" class="text">
                  owner
                </th>
              </tr>
            </thead>
            <tbody>
              {experiments.map((experiment, index) => (
                <tr>
                  <th scope="row" class="wrap">
                    <a href={experimentPath(project, experiment.id)}>{nameOf(experiment)}</a>
                  </th>
                  <td>{index + 1}</td>
                  <td>{percent(experiment.share)}</td>
                  <td>{experiment.startsAtMs === null ? "-" : minuteText(experiment.startsAtMs)}</td>
                  <td class="text">{experiment.owner ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Card>
  );
}

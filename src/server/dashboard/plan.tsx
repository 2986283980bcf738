/**
 * The page that plans an experiment: how long it takes, what it can find, what another share buys.
 */
import type { Context } from "hono";
import type { Plan, PlanRow } from "../../core/simulation/plan.js";
import { count, percent, plural, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import { Meter } from "../charts/inline.js";
import { PlanChart } from "../charts/plan-chart.js";
import type { Questions } from "../questions.js";
import { Page, type Request } from "./layout.js";
import { checkedNumbers, type NumberField, NumberForm, typedNumbers } from "./number-form.js";
import { Card, Head, Scroll, Stat, unbroken } from "./parts.js";
import { BASE_RATE, LEVEL, SEED, SHARE } from "./question-fields.js";

type Answered = Plan & { readonly runs: number };

type Name = "baseRate" | "effect" | "sessionsPerDay" | "share" | "power" | "alpha" | "seed";

const FIELDS: readonly (NumberField & { readonly name: Name })[] = [
  BASE_RATE,
  {
    name: "effect",
    label: "Hoped to be better by",
    value: 0.05,
    min: 0.001,
    max: 1,
    step: "any",
    note: "rate, above 0",
  },
  {
    name: "sessionsPerDay",
    label: "Sessions a day",
    value: 300,
    min: 0.1,
    max: 1e7,
    step: "any",
    note: "both arms together",
  },
  SHARE,
  {
    name: "power",
    label: "Wanted chance to find it",
    value: 0.8,
    min: 0.1,
    max: 0.99,
    step: "any",
    note: "0.1 to 0.99",
  },
  LEVEL,
  SEED,
];

const RUNS = 400;

/** What was asked and what came out. */
export interface PlanView {
  readonly typed: Readonly<Record<Name, string>>;
  readonly problem: string | null;
  readonly answer: Answered | null;
}

/** What was typed. */
export const typedPlan = (c: Context) => typedNumbers(c, FIELDS);

/** The plan for what was typed. @throws DethroneError `input_invalid`, `settings_invalid`, `rate_limited` */
export function planned(
  questions: Pick<Questions, "plan">,
  typed: Readonly<Record<Name, string>>,
  signal: AbortSignal,
) {
  return questions.plan({ ...checkedNumbers(typed, FIELDS), runs: RUNS }, signal);
}

function ShareRow({ row, isOwn }: { readonly row: PlanRow; readonly isOwn: boolean }) {
  return (
    <tr>
      <th scope="row">
        {percent(row.share, 0)} {isOwn ? <span class="badge">this plan</span> : null}
      </th>
      <td class="picture">
        <Meter title={`promoted in ${percent(row.power, 0)}`} fraction={row.power} tone="good" />
      </td>
      <td>{percent(row.power, 0)}</td>
      <td>{days(row.daysMean)}</td>
      <td>{days(row.daysP90)}</td>
      <td>{count(Math.round(row.challengerSessionsMean))}</td>
    </tr>
  );
}

function Shares({ plan }: { readonly plan: Plan }) {
  return (
    <Card title="What another share buys">
      <Scroll label="Other shares">
        <table>
          <thead>
            <tr>
              <th scope="col">share</th>
              <td />
              {["promoted", "days, mean", "9 of 10 within", "challenger's sessions"].map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {plan.alternatives.map((row) => (
              <ShareRow row={row} isOwn={row.share === plan.share} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

function Answer({ plan }: { readonly plan: Answered }) {
  const { effect, power, daysMean, daysP90, daysMax, horizon, smallestEffect, runs, powerWanted } = plan;
  return (
    <>
      <section class="card verdict" aria-label="What to expect">
        <p class="verdict-lead">
          {unbroken(
            `A challenger ${signedPoints(effect).replace("+", "")} better is promoted in ${percent(power, 0)} of experiments. A decision takes ${days(daysMean)} on average, and in 9 of 10 experiments ${days(daysP90)} at most.`,
          )}
        </p>
        <p class="verdict-lead second">
          Simulated, {count(runs)} experiments a share. Hopeless experiments stop early, which the formula
          behind the planned sessions leaves out.
        </p>
        <dl class="stats">
          <Stat
            id="power"
            name="Chance to find it"
            about="power"
            value={percent(power, 0)}
            more={`wanted ${percent(powerWanted, 0)}`}
          >
            <Meter title={percent(power, 0)} fraction={power} tone="good" />
          </Stat>
          <Stat
            id="days"
            name="Days at most"
            about="daysLeft"
            value={days(daysMax)}
            more={plural(horizon, "session")}
          />
          <Stat
            id="smallest"
            name="Smallest effect"
            about="smallestEffect"
            value={smallestEffect === null ? "none" : signedPoints(smallestEffect)}
            more={`found with ${percent(powerWanted, 0)}`}
          />
        </dl>
      </section>
      <Shares plan={plan} />
      <Card title="Days by effect" note="The smaller the difference, the longer it takes to find.">
        <PlanChart id="plan" plan={plan} />
      </Card>
    </>
  );
}

/** The page of plans. */
export function PlanPage({ request, view }: { readonly request: Request; readonly view: PlanView }) {
  return (
    <Page request={request} title="Plan" isStill>
      <Head
        title="Plan"
        note="How long an experiment takes at a project's traffic, how likely it is to find what is hoped for, and what another share buys."
      />
      <div class="stack">
        <NumberForm action="/plan" button="Plan" fields={FIELDS} typed={view.typed} problem={view.problem} />
        {view.answer === null ? null : <Answer plan={view.answer} />}
      </div>
    </Page>
  );
}

/**
 * The page that simulates experiments: what a policy promises, and what the plain rule costs.
 */
import type { Context } from "hono";
import { count, percent } from "../../core/words/numbers.js";
import { DecidedChart, OutcomeBars } from "../charts/simulation-charts.js";
import type { RouteOutput } from "../contract/routes.js";
import type { Questions } from "../questions.js";
import { Page, type Request } from "./layout.js";
import {
  checkedNumbers,
  type NumberField,
  NumberForm,
  type NumberValues,
  typedNumbers,
} from "./number-form.js";
import { Card, Head, Scroll, unbroken } from "./parts.js";
import { BASE_RATE, LEVEL, SEED, SHARE } from "./question-fields.js";

type Simulator = Pick<Questions, "simulate">;
type SimulatedPolicy = RouteOutput<"simulate">["policies"][number];
type Name = "baseRate" | "effect" | "share" | "horizon" | "alpha" | "runs" | "seed";

const FIELDS: readonly (NumberField & { readonly name: Name })[] = [
  BASE_RATE,
  {
    name: "effect",
    label: "Challenger better by",
    value: 0.05,
    min: -1,
    max: 1,
    step: "any",
    note: "rate, -1 to 1; 0 for no difference",
  },
  SHARE,
  {
    name: "horizon",
    label: "Planned sessions",
    value: 2000,
    min: 20,
    max: 20_000,
    step: 1,
    note: "20 to 20,000",
  },
  LEVEL,
  {
    name: "runs",
    label: "Experiments",
    value: 500,
    min: 20,
    max: 2000,
    step: 1,
    note: "simulated, 20 to 2,000",
  },
  SEED,
];

/** What was asked and what came out. */
export interface SimulateView {
  readonly typed: Readonly<Record<Name, string>>;
  readonly problem: string | null;
  readonly answer: {
    readonly question: NumberValues<Name>;
    readonly policies: readonly SimulatedPolicy[];
    /** the same without any difference; null where none was asked for in the first place */
    readonly withoutDifference: readonly SimulatedPolicy[] | null;
  } | null;
}

/** What was typed. */
export const typedQuestion = (c: Context) => typedNumbers(c, FIELDS);

/** The answer to what was typed. @throws DethroneError `input_invalid`, `settings_invalid`, `policy_invalid`, `rate_limited` */
export async function simulated(
  questions: Simulator,
  typed: Readonly<Record<Name, string>>,
  signal: AbortSignal,
): Promise<NonNullable<SimulateView["answer"]>> {
  const question = checkedNumbers(typed, FIELDS);
  const { policies } = await questions.simulate(question, signal);
  if (question.effect <= 0) return { question, policies, withoutDifference: null };
  const none = await questions.simulate({ ...question, effect: 0 }, signal);
  return { question, policies, withoutDifference: none.policies };
}

/** "'calibrated' in 4.5 %, 'threshold' in 28.5 %". */
const promotedIn = (policies: readonly SimulatedPolicy[]): string =>
  policies.map(({ policy, promoted }) => `'${policy}' in ${percent(promoted)}`).join(", ");

function Findings({ answer }: { readonly answer: NonNullable<SimulateView["answer"]> }) {
  const { question, policies, withoutDifference } = answer;
  const { effect, runs, alpha } = question;
  const points = Math.round(Math.abs(effect) * 1000) / 10;
  // Two standard errors: the rate that is simulated lies that close to the true one in 19 of 20 simulations.
  const chance = (200 * Math.sqrt((alpha * (1 - alpha)) / runs)).toFixed(1);
  const how = effect === 0 ? "no different" : `${points} points ${effect > 0 ? "better" : "worse"}`;
  return (
    <>
      <p class="verdict-lead">
        {unbroken(
          `A challenger ${how} is promoted by ${promotedIn(policies)} of ${count(runs)} experiments.`,
        )}
      </p>
      <p class="verdict-lead second">
        {withoutDifference === null
          ? ""
          : unbroken(`With no difference it would have been promoted by ${promotedIn(withoutDifference)}. `)}
        {unbroken(
          `'calibrated' keeps false promotions at ${percent(alpha, 0)} or less, however often anyone looks;`,
        )}{" "}
        'threshold' promises nothing.{" "}
        {unbroken(
          `Over ${count(runs)} experiments chance alone moves a rate of ${percent(alpha, 0)} by up to ${chance} points.`,
        )}
      </p>
    </>
  );
}

const ROWS: readonly (readonly [string, (policy: SimulatedPolicy) => string])[] = [
  ["promoted", ({ promoted }) => percent(promoted)],
  ["held", ({ held }) => percent(held)],
  ["aborted", ({ aborted }) => percent(aborted)],
  ["sessions to the decision, mean", ({ sessionsMean }) => count(Math.round(sessionsMean))],
  ["median", ({ sessionsMedian }) => count(Math.round(sessionsMedian))],
  ["in 9 of 10 experiments at most", ({ sessionsP90 }) => count(Math.round(sessionsP90))],
  ["challenger's sessions, mean", ({ challengerSessionsMean }) => count(Math.round(challengerSessionsMean))],
];

const OUTCOMES = ["promoted", "held", "aborted"] as const;

function Key() {
  return (
    <ul class="key">
      {OUTCOMES.map((outcome) => (
        <li>
          <svg viewBox="0 0 10 10" aria-hidden="true">
            <rect class={`part-${outcome}`} width="10" height="10" />
          </svg>
          {outcome}
        </li>
      ))}
    </ul>
  );
}

function Answer({ answer }: { readonly answer: NonNullable<SimulateView["answer"]> }) {
  const { policies } = answer;
  const longest = Math.max(...policies.flatMap(({ curve }) => curve.map(({ sessions }) => sessions)));
  return (
    <>
      <section class="card verdict" aria-label="What came out">
        <Findings answer={answer} />
      </section>
      <Card title="How they ended">
        <Key />
        <OutcomeBars rows={policies} />
        <Scroll label="How they ended, in numbers">
          <table>
            <thead>
              <tr>
                <td />
                {policies.map(({ policy }) => (
                  <th scope="col">{policy}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {ROWS.map(([name, of]) => (
                <tr>
                  <th scope="row">{name}</th>
                  {policies.map((policy) => (
                    <td>{of(policy)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </Card>
      <div class="grid">
        {policies.map(({ policy, curve }) => (
          <Card title={policy} note="Part of the experiments decided by so many sessions.">
            <Key />
            <DecidedChart id={`decided-${policy}`} policy={policy} curve={curve} longest={longest} />
          </Card>
        ))}
      </div>
    </>
  );
}

/** The page of simulations. */
export function SimulatePage({ request, view }: { readonly request: Request; readonly view: SimulateView }) {
  return (
    <Page request={request} title="Simulate" isStill>
      <Head
        title="Simulate"
        note="How often a policy promotes, holds and aborts, through the same decision as real experiments; and how often the plain rule 'promote once P > 0.95' is wrong."
      />
      <div class="stack">
        <NumberForm
          action="/simulate"
          button="Simulate"
          fields={FIELDS}
          typed={view.typed}
          problem={view.problem}
        />
        {view.answer === null ? null : <Answer answer={view.answer} />}
      </div>
    </Page>
  );
}

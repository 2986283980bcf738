/**
 * The lower part of an experiment's page: metrics against their limits, where the sessions are, what it was set up as,
 * what was done to it.
 */
import type { Evaluation, GuardrailEvaluation } from "../../core/decision/evaluation.js";
import type { MetricEvaluation } from "../../core/decision/metric-evaluation.js";
import { metricPolicy } from "../../core/decision/policy.js";
import { guardrailText, segmentText } from "../../core/words/guardrail.js";
import { count, duration, evidence, percent, plural, probability } from "../../core/words/numbers.js";
import { quantity, signedPercent, signedQuantity } from "../../core/words/quantity.js";
import { shareRuleText } from "../../core/words/share-rule.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import { audienceText, watchText } from "../../engine/words/setup.js";
import { assignText } from "../../engine/words/study.js";
import { Forest, type ForestRow } from "../charts/forest.js";
import { Sparkline } from "../charts/inline.js";
import { minuteText } from "../time-text.js";
import type { ExperimentView } from "./experiment-view.js";
import { Log } from "./log.js";
import { configName } from "./names.js";
import { ArmName, Card, type Fact, Facts, Scroll, Term, unbroken } from "./parts.js";

type Guarded = readonly [
  name: string,
  metric: MetricEvaluation | undefined,
  guardrail: GuardrailEvaluation | undefined,
];

/** Each metric with the guardrail on it; what other guardrails there are, as on a segment, by themselves. */
function guardedMetrics({ metrics, guardrails }: Evaluation): readonly Guarded[] {
  const own = (name: string) =>
    guardrails.find(({ metric, where }) => metric === name && where === undefined);
  const named = Object.entries(metrics).map(([name, metric]): Guarded => [name, metric, own(name)]);
  const rest = guardrails.filter((guardrail) => !named.some(([, , shown]) => shown === guardrail));
  return [...named, ...rest.map((guardrail): Guarded => [segmentText(guardrail), undefined, guardrail])];
}

function stateOf(
  guardrail: GuardrailEvaluation | undefined,
  metric: MetricEvaluation | undefined,
): ForestRow["state"] {
  if (guardrail === undefined) {
    const better = metric?.probabilityBetter ?? null;
    return { text: better === null ? "no limit" : `P(better) ${probability(better)}`, tone: "neutral" };
  }
  if (guardrail.mode === "require")
    return guardrail.isCrossed ? { text: "proven", tone: "good" } : { text: "not proven", tone: "neutral" };
  if (guardrail.isCrossed) return { text: "crossed", tone: "bad" };
  return guardrail.sessionCount === 0 ? { text: "no value", tone: "neutral" } : { text: "ok", tone: "good" };
}

/** The limit on the scale of the change; null where the two are not on one scale. */
function limitOf(metric: MetricEvaluation, guardrail: GuardrailEvaluation | undefined): number | null {
  if (guardrail === undefined) return null;
  const isPart = metric.kind === "positive" || metric.kind === "count";
  if (isPart !== (metric.scale === "ratio")) return null;
  return guardrail.direction === "lower" ? guardrail.margin : -guardrail.margin;
}

function changeText(name: string, metric: MetricEvaluation): string {
  const { change, changeInterval, scale, kind, champion, challenger } = metric;
  if (change === null || changeInterval === null) return "needs two values an arm";
  const shown = (value: number): string =>
    scale === "ratio" ? signedPercent(value) : signedQuantity(value, { name, kind });
  const [low, high] = changeInterval.map((end) => shown(end).replace(/ points$/, ""));
  const typical = (arm: typeof champion): string =>
    arm === null ? "-" : quantity(arm.typical, { name, kind });
  return `${shown(change)} (${low} to ${high}); ${typical(challenger)} against ${typical(champion)}`;
}

function noteOf(
  { policy }: ExperimentReport,
  name: string,
  guardrail: GuardrailEvaluation | undefined,
): string {
  if (guardrail === undefined) return `${metricPolicy(policy, name).direction} is better`;
  const limit = guardrailText(guardrail, policy).slice(segmentText(guardrail).length + 1);
  return `${limit}; evidence ${evidence(guardrail.logSup)} of ${evidence(guardrail.logLine)}`;
}

function forestRow(report: ExperimentReport, [name, metric, guardrail]: Guarded): ForestRow {
  const { change = null, changeInterval = null } = metric ?? {};
  const hasChange = change !== null && changeInterval !== null;
  return {
    name,
    note: noteOf(report, name, guardrail),
    change: hasChange ? { low: changeInterval[0], middle: change, high: changeInterval[1] } : null,
    text: metric === undefined ? "" : unbroken(changeText(name, metric)),
    limit: metric === undefined ? null : limitOf(metric, guardrail),
    state: stateOf(guardrail, metric),
    arm: report.evaluation.arm,
  };
}

/** Whether there is anything to say: on a virtual clock no session takes time. */
const isTelling = ([name, metric]: Guarded): boolean =>
  name !== "duration_ms" || (metric?.champion?.mean ?? 0) !== 0 || (metric?.challenger?.mean ?? 0) !== 0;

/** What the leading challenger changes of each metric, and what is allowed. */
export function metricRows(report: ExperimentReport): readonly ForestRow[] {
  return guardedMetrics(report.evaluation)
    .filter(isTelling)
    .map((row) => forestRow(report, row));
}

/** What the challenger changes of each metric, against what is allowed. */
export function Metrics({ report }: { readonly report: ExperimentReport }) {
  const rows = metricRows(report);
  if (rows.length === 0) return null;
  return (
    <Card
      title="Guardrails, cost and latency"
      note="The challenger's change of each metric with its 95 % interval; the thin line is no change, the dashed one the limit of its guardrail."
    >
      <Forest rows={rows} />
    </Card>
  );
}

const DAY_MS = 86_400_000;
const DAYS_SHOWN = 30;

/** About how many units were folded from sessions of each day, the last one today's; the points are some units apart. */
function unitsByDay({ trajectory, nowMs }: ExperimentView): readonly number[] {
  const known = trajectory.points.flatMap(({ index, startedAtMs }) =>
    startedAtMs === null ? [] : [{ index, startedAtMs }],
  );
  const [first] = known;
  if (first === undefined) return [];
  const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
  const from = Math.max(dayOf(first.startedAtMs), dayOf(nowMs) - DAYS_SHOWN + 1);
  const before = (day: number): number =>
    known.findLast(({ startedAtMs }) => dayOf(startedAtMs) < day)?.index ?? 0;
  return Array.from({ length: dayOf(nowMs) - from + 1 }, (_, k) => before(from + k + 1) - before(from + k));
}

function ByDay({ view }: { readonly view: ExperimentView }) {
  const days = unitsByDay(view);
  if (days.length < 2) return null;
  const most = Math.max(...days);
  return (
    <div class="by-day">
      <Sparkline title={`Sessions that count, by day: ${days.map(count).join(", ")}`} values={days} />
      <p class="quiet small">
        Sessions that count, by day (UTC), the last {plural(days.length, "day")}; {count(most)} on the
        busiest.
      </p>
    </div>
  );
}

/** Where the sessions of each arm are. */
export function Sessions({ view }: { readonly view: ExperimentView }) {
  const { report, names } = view;
  const head = (id: string, name: string, about: "open" | "missing" | "abandoned" | "excluded" | "late") => (
    <th scope="col" class="end">
      <Term id={`column-${id}`} name={name} about={about} />
    </th>
  );
  return (
    <Card title="Sessions">
      <Scroll label="Sessions of each arm">
        <table>
          <thead>
            <tr>
              <th scope="col">arm</th>
              <th scope="col">served</th>
              {head("open", "open", "open")}
              {head("missing", "missing", "missing")}
              {head("abandoned", "abandoned", "abandoned")}
              {head("excluded", "left out", "excluded")}
              {head("late", "late signals", "late")}
              <th scope="col">p50 / p95</th>
            </tr>
          </thead>
          <tbody>
            {report.sessions.map((arm, place) => (
              <tr>
                <th scope="row">
                  <ArmName arm={place}>{names[place] ?? `challenger ${place}`}</ArmName>
                </th>
                <td>{count(arm.served)}</td>
                <td>{count(arm.unsettled)}</td>
                <td>{count(arm.missing)}</td>
                <td>{count(arm.abandoned)}</td>
                <td>{count(arm.excluded)}</td>
                <td>{count(arm.lateSignals)}</td>
                <td>
                  {arm.durationMsP50 === null || arm.durationMsP95 === null
                    ? "-"
                    : `${duration(arm.durationMsP50)} / ${duration(arm.durationMsP95)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <ByDay view={view} />
    </Card>
  );
}

function levelText({ policy, challengers }: ExperimentReport): string {
  if (policy.kind === "threshold")
    return `threshold: promotes at P above ${policy.tau}, with no guaranteed error rate`;
  const each = challengers.length === 1 ? "" : ` divided by ${challengers.length}`;
  return `calibrated, alpha ${Number(policy.alpha.toPrecision(3))}${each}`;
}

function shareText({ challengers, share, shareRule }: ExperimentReport): string {
  const each = challengers
    .map((challenger) => `${configName(challenger)} ${percent(challenger.share)}`)
    .join(", ");
  const now = challengers.length === 1 ? percent(share) : each;
  return shareRule.kind === "fixed" || shareRule.kind === "each"
    ? now
    : `${now} now; ${shareRuleText(shareRule)}`;
}

/** What an experiment was set up as, in words. */
export function setUpFacts(report: ExperimentReport): readonly (readonly [name: string, text: string])[] {
  const { policy, promotion, audience, exclusionGroup, holdout, watch, overrideCount } = report;
  const { hypothesis, description } = report;
  const { fuse, guardrails } = policy;
  const facts: (readonly [string, string] | false)[] = [
    hypothesis !== null && ["hypothesis", hypothesis],
    description !== null && ["description", description],
    ...(report.assign === null
      ? ([
          ["share", shareText(report)],
          ["policy", levelText(report)],
          ["promotion", promotion === "approve" ? "waits for a person" : "by itself"],
          ["planned", `${plural(policy.horizon, "session")}, at least ${count(policy.minPerArm)} an arm`],
        ] as const)
      : ([
          ["arms", assignText(report.assign)],
          ["promotion", "by hand alone: nothing of it is evidence"],
        ] as const)),
    [
      "guardrails",
      guardrails.length === 0
        ? "none"
        : guardrails.map((guardrail) => guardrailText(guardrail, policy)).join("; "),
    ],
    [
      "fuse",
      fuse === null ? "none" : `${percent(fuse.errorRate, 0)} errors in ${fuse.minSessions} or more sessions`,
    ],
    audience !== null && ["audience", audienceText(audience)],
    exclusionGroup !== null && ["exclusive", `with other experiments of the group ${exclusionGroup}`],
    holdout > 0 && ["held out", `${percent(holdout)} of the units, who always get the champion`],
    watch !== null && ["watch", watchText(watch)],
    overrideCount > 0 && [
      "overrides",
      `${plural(overrideCount, "unit")} with an arm by hand; never evidence`,
    ],
    ...report.revisions.map(({ atMs, fields }): readonly [string, string] => [
      `revised ${minuteText(atMs)}`,
      Object.keys(fields).join(", "),
    ]),
  ];
  return facts.filter((fact) => fact !== false);
}

/** What the experiment was set up as. */
export function SetUp({ report }: { readonly report: ExperimentReport }) {
  const experiment: Fact = ["experiment", <code>{report.experiment}</code>];
  return (
    <Card title="Set-up">
      <Facts facts={[experiment, ...setUpFacts(report)]} />
    </Card>
  );
}

/** What was done to it. */
export function DecisionLog({ view: { log, labels, report } }: { readonly view: ExperimentView }) {
  const challengers = new Map([[report.experiment, report.challengers.map(({ hash }) => hash)]]);
  return (
    <Card title="Decision log">
      <Log entries={log} names={{ labels, challengers }} />
    </Card>
  );
}

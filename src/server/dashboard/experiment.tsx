/**
 * The page of an experiment.
 */
import { evidence, percent, probability, signedPoints } from "../../core/words/numbers.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import { BreakdownCharts } from "../charts/breakdown.js";
import { DensityChart } from "../charts/density.js";
import { EvidenceChart, HarmChart } from "../charts/evidence-charts.js";
import {
  ScoresChart,
  SharesChart,
  type TrajectoryChartProps,
  UpliftChart,
} from "../charts/trajectory-charts.js";
import { ConfigDiff } from "./config-diff.js";
import { EvaluationTable } from "./evaluations.js";
import { alarmsOf, ExperimentHead, Verdict } from "./experiment-head.js";
import { DecisionLog, Metrics, Sessions, SetUp } from "./experiment-parts.js";
import type { ExperimentView } from "./experiment-view.js";
import { Page, type Request } from "./layout.js";
import { configName, diffPath, projectPath } from "./names.js";
import { Observed } from "./observed.js";
import { ArmName, Card, Empty, Notices, Scroll } from "./parts.js";

function chartProps({ report, trajectory, names }: ExperimentView): TrajectoryChartProps {
  const { decision, isAwaitingApproval, policy } = report;
  const isProven = decision?.verdict === "promote" || isAwaitingApproval;
  return {
    ...trajectory,
    minUplift: policy.minUplift,
    isDeciding: policy.kind === "calibrated",
    leading: report.evaluation.arm,
    names,
    promoted: isProven ? (decision?.arm ?? null) : null,
    isAwaitingApproval,
    prefix: "over",
  };
}

function Charts({ view }: { readonly view: ExperimentView }) {
  const { report, names } = view;
  const { arms } = report.evaluation;
  const props = chartProps(view);
  const density = arms.map((arm) => ({ ...arm, name: names[arm.arm] ?? `challenger ${arm.arm}` }));
  return (
    <>
      <div class="grid">
        <Card
          title="How sure we are"
          note="What is believed of each arm's success rate. The less two hills overlap, the surer."
        >
          <DensityChart id="density" arms={density} />
        </Card>
        <Card
          title="Evidence over sessions"
          note="That the challenger is better. It may be looked at after every session without being fooled."
        >
          <EvidenceChart {...props} />
        </Card>
        <Card
          title="Uplift closing in"
          note="Challenger less champion, in points. The band holds the truth with 95 % at all times at once."
        >
          <UpliftChart {...props} />
        </Card>
        <Card title="Scores over sessions" note="Mean score of each arm so far, with its 95 % interval.">
          <ScoresChart {...props} />
        </Card>
      </div>
      <Metrics report={report} />
      <div class="grid">
        <Card title="Harm over sessions" note="Evidence that the challenger is worse.">
          <HarmChart {...props} />
        </Card>
        <Card title="Share over sessions" note="The part of the sessions that challengers were given.">
          <SharesChart {...props} />
        </Card>
      </div>
    </>
  );
}

/** How each challenger does, where there are several. */
function Contenders({ report }: { readonly report: ExperimentReport }) {
  const { evaluation, challengers } = report;
  if (evaluation.others.length === 0) return null;
  const all = [evaluation, ...evaluation.others].sort((left, right) => left.arm - right.arm);
  return (
    <Card
      title="Challengers"
      note="Each is tested against the champion on the sessions of these two arms alone."
    >
      <Scroll label="Challengers">
        <table>
          <thead>
            <tr>
              {["challenger", "share", "P(better)", "evidence", "uplift", "state"].map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {all.map((each) => {
              const challenger = challengers[each.arm - 1];
              return (
                <tr>
                  <th scope="row">
                    <ArmName arm={each.arm}>
                      {challenger === undefined ? each.arm : configName(challenger)}
                    </ArmName>
                  </th>
                  <td>{percent(challenger?.share ?? 0)}</td>
                  <td>{probability(each.probabilityBetter)}</td>
                  <td>
                    {evidence(each.logSupPromote)} of {evidence(each.logLinePromote)}
                  </td>
                  <td>{signedPoints(each.upliftMean)}</td>
                  <td>
                    {each.out === null
                      ? each.arm === evaluation.arm
                        ? "leads"
                        : "contends"
                      : `out: ${each.out}`}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

function EvaluationsCard({ view: { evaluations } }: { readonly view: ExperimentView }) {
  if (evaluations.length === 0) return null;
  return (
    <Card
      title="Evaluations"
      note="What the newest ticks found that folded something: all that say something new, and of the rest the last one of each hour."
    >
      <EvaluationTable evaluations={evaluations} isAlone />
    </Card>
  );
}

function BreakdownCard({ view }: { readonly view: ExperimentView }) {
  const { breakdown } = view.report;
  if (breakdown.length === 0) return null;
  return (
    <Card
      title="By context"
      note="Exploratory: many values are looked at at once, and no test vouches for what stands out. A difference found here is a question for the next experiment."
    >
      <BreakdownCharts breakdown={breakdown} names={view.names} />
    </Card>
  );
}

function ConfigCard({ report, isAlone }: { readonly report: ExperimentReport; readonly isAlone: boolean }) {
  const { champion, challenger, changes, project } = report;
  return (
    <Card
      title="What the challenger changes"
      aside={
        isAlone ? undefined : (
          <a class="small" href={diffPath(project, champion.hash, challenger.hash)}>
            Both configs in full
          </a>
        )
      }
    >
      <ConfigDiff
        before={`${configName(champion)} (champion)`}
        after={`${configName(challenger)} (challenger)`}
        changes={changes}
      />
    </Card>
  );
}

const SEND_SESSIONS = `const session = await bot.session();
const result = await runAgent(session.config, question);
await session.end({ score: result.resolved ? 1 : 0 });`;

/** What there is of an experiment without sessions. */
function NoSessions({ report }: { readonly report: ExperimentReport }) {
  if (report.status === "draft")
    return (
      <Empty
        title="A draft"
        text="It has not started, so there are no numbers yet. Start it when the project's slot is free."
        code={`dethrone start ${report.project} ${report.experiment}`}
      />
    );
  return (
    <Empty
      title="No settled session yet"
      text="Numbers appear with the first session that settles: when it ends with a score, or when its window closes."
      code={SEND_SESSIONS}
      more="A job has to tick for sessions to be folded: 'dethrone decide --every 5m', or a server that is not started with --no-decide."
    />
  );
}

/**
 * An experiment in full.
 *
 * @param isAlone there are no other pages to lead to
 */
export function Experiment({ view, isAlone }: { readonly view: ExperimentView; readonly isAlone: boolean }) {
  const { report } = view;
  // Without chance nothing folds, and there is nothing to decide by.
  const isObserved = report.assign !== null && report.startedAtMs !== null;
  const isEmpty = report.evaluation.sessionCount === 0;
  return (
    <div class="stack">
      <Notices notices={alarmsOf(view)} />
      {isObserved ? <Observed report={report} /> : null}
      {isEmpty && !isObserved ? <NoSessions report={report} /> : null}
      {isEmpty ? null : <Verdict view={view} />}
      {isObserved ? null : <Contenders report={report} />}
      {isEmpty ? null : <Charts view={view} />}
      {isAlone ? null : <EvaluationsCard view={view} />}
      <BreakdownCard view={view} />
      <ConfigCard report={report} isAlone={isAlone} />
      {report.startedAtMs === null ? null : <Sessions view={view} />}
      <div class="grid">
        <SetUp report={report} />
        <DecisionLog view={view} />
      </div>
    </div>
  );
}

/** The page of an experiment. */
export function ExperimentPage({
  request,
  view,
}: {
  readonly request: Request;
  readonly view: ExperimentView;
}) {
  const { report } = view;
  return (
    <Page
      request={request}
      title={`${configName(report.challenger)} against ${configName(report.champion)}`}
      crumbs={[
        { name: "Overview", href: "/" },
        { name: report.project, href: projectPath(report.project) },
      ]}
    >
      <ExperimentHead view={view} mayAct={request.visitor?.isAdmin ?? false} />
      <Experiment view={view} isAlone={false} />
    </Page>
  );
}

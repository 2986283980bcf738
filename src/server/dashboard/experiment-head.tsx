/**
 * The top of an experiment's page: who contends, who is ahead, how sure that is, what it costs, what happens next.
 */

import { explain } from "../../core/decision/explain.js";
import { hasEnded } from "../../core/decision/life-cycle.js";
import type { MetricEvaluation } from "../../core/decision/metric-evaluation.js";
import { alarming } from "../../core/decision/review.js";
import {
  count,
  evidence,
  percent,
  plural,
  probability,
  signedPoints,
  timeAgo,
} from "../../core/words/numbers.js";
import { days, quantity, signedPercent } from "../../core/words/quantity.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import { stateText } from "../../engine/words/setup.js";
import { Meter } from "../charts/inline.js";
import { minuteText } from "../time-text.js";
import { actionsOf, type ExperimentView, rulingOf } from "./experiment-view.js";
import { configName, contestName, experimentPath, projectPath, statusTone } from "./names.js";
import { ArmName, Badge, Head, type NoticeProps, Stat, Term, unbroken } from "./parts.js";

const BUTTONS = {
  start: "Start",
  pause: "Pause",
  resume: "Resume",
  approve: "Approve",
  decline: "Decline",
  promote: "Promote",
  abort: "Abort",
  drop: "Drop a challenger",
  archive: "Archive",
} as const;

/** Buttons that lead to a page which asks for the reason. */
function Buttons({ report }: { readonly report: ExperimentReport }) {
  return (
    <>
      {actionsOf(report).map((action) => (
        <a
          class={`button${action === "approve" || action === "start" ? " primary" : ""}${action === "abort" ? " danger" : ""}`}
          href={`${experimentPath(report.project, report.experiment)}/${action}`}
        >
          {BUTTONS[action]}
        </a>
      ))}
      {report.status === "promoted" ? (
        <a class="button" href={`${projectPath(report.project)}/rollback`}>
          Roll back
        </a>
      ) : null}
    </>
  );
}

function startedText({ startedAtMs, endedAtMs, owner, tags }: ExperimentReport, nowMs: number): string {
  const facts = [
    startedAtMs === null ? "not started" : `started ${timeAgo(nowMs - startedAtMs)}`,
    endedAtMs === null ? "" : `ended ${minuteText(endedAtMs)}`,
    owner === null ? "" : `by ${owner}`,
    tags.join(", "),
  ];
  return facts.filter((fact) => fact !== "").join(" · ");
}

/** The title of the page with its state and buttons. */
export function ExperimentHead({
  view,
  mayAct,
}: {
  readonly view: ExperimentView;
  readonly mayAct: boolean;
}) {
  const { report, nowMs } = view;
  const { champion, challengers, kind, hypothesis, archivedAtMs } = report;
  const state = stateText(report);
  return (
    <Head
      title={contestName(champion, challengers)}
      badge={
        <>
          <Badge tone={statusTone(state)}>{kind === "watch" ? `watch, ${state}` : state}</Badge>
          {archivedAtMs === null ? null : <Badge tone="neutral">archived</Badge>}
        </>
      }
      note={
        <>
          {startedText(report, nowMs)}
          {hypothesis === null ? null : <span class="clamped">{hypothesis}</span>}
        </>
      }
      buttons={mayAct ? <Buttons report={report} /> : undefined}
    />
  );
}

/** What a person should look at, from the same numbers as the decision. */
export function alarmsOf({ report }: ExperimentView): readonly NoticeProps[] {
  const { evaluation, policy, isAwaitingApproval, status } = report;
  if (hasEnded(status)) return [];
  const line = -Math.log(policy.srmAlpha);
  const crossed = evaluation.guardrails.filter(
    ({ mode, logSup, logLine }) => mode === "abort" && logSup >= logLine / 2,
  );
  const notices: (NoticeProps | false)[] = [
    isAwaitingApproval && {
      tone: "warn",
      title: "Awaiting approval.",
      text: "The evidence is in; traffic goes on as it was until a person approves or declines.",
    },
    status === "paused" && {
      tone: "warn",
      title: "Paused.",
      text: "Everyone gets the champion; sessions settle, but nothing folds or decides.",
    },
    evaluation.srmLogE >= line / 2 && {
      tone: "bad",
      title: "Sample ratio.",
      text: `Sessions do not seem to reach the arms in their shares: evidence ${evidence(evaluation.srmLogE)}, the experiment is aborted at ${evidence(line)}.`,
    },
    evaluation.missingLogE >= line / 2 && {
      tone: "bad",
      title: "Missing outcomes.",
      text: `One arm seems to lose more outcomes than the other: evidence ${evidence(evaluation.missingLogE)}.`,
    },
    crossed.length > 0 && {
      tone: "bad",
      title: "Guardrail.",
      text: `The challenger seems to make ${crossed.map(({ metric }) => metric).join(" and ")} worse by more than is allowed.`,
    },
  ];
  const review = alarming(report.review).map(
    ({ message }): NoticeProps => ({ tone: "warn", title: "Needs review.", text: message }),
  );
  return [...notices.filter((notice) => notice !== false), ...review];
}

function Rate({ view, arm }: { readonly view: ExperimentView; readonly arm: number }) {
  const { report } = view;
  const { arms, phi } = report.evaluation;
  const own = arms[arm];
  const config = arm === 0 ? report.champion : report.challengers[arm - 1];
  if (own === undefined || config === undefined) return null;
  const { sessionCount, scoreSum, interval } = own;
  const word = phi === 1 ? "success" : "mean score";
  return (
    <div>
      <ArmName arm={arm}>
        <strong>{configName(config)}</strong>{" "}
        <span class="quiet small">{arm === 0 ? "champion" : "challenger"}</span>
      </ArmName>
      <p class="rate">
        {sessionCount === 0 ? "-" : percent(scoreSum / sessionCount)}{" "}
        <small>
          <Term id={`rate-${arm}`} name={word} about="successRate" />
        </small>
      </p>
      <p class="quiet small">
        {percent(interval[0])} to {percent(interval[1])}, {plural(sessionCount, "session")}
      </p>
    </div>
  );
}

const range = (low: number, high: number): string =>
  `${signedPoints(low).replace(/ points$/, "")} to ${signedPoints(high)}, at all times`;

/** What a success costs, where a metric tells of costs. */
function costOf({ evaluation }: ExperimentReport): readonly [string, MetricEvaluation] | undefined {
  return Object.entries(evaluation.metrics).find(
    ([name, { perSuccess }]) => /cost/i.test(name) && perSuccess !== null,
  );
}

function CostStat({ report }: { readonly report: ExperimentReport }) {
  const cost = costOf(report);
  if (cost === undefined) {
    const { expectedLossChallenger, expectedLossChampion } = report.evaluation;
    return (
      <Stat
        id="loss"
        name="Loss if promoted"
        about="lossIfPromoted"
        value={percent(expectedLossChallenger, 2)}
        more={`of success rate on average; ${percent(expectedLossChampion, 2)} if the champion stays`}
      />
    );
  }
  const [name, { perSuccess, kind }] = cost;
  if (perSuccess === null) return null;
  const shown = (value: number): string => quantity(value, { name, kind });
  return (
    <Stat
      id="cost"
      name={`${name} per success`}
      about="costPerSuccess"
      value={signedPercent(perSuccess.change)}
      more={`${shown(perSuccess.challenger)} against ${shown(perSuccess.champion)}`}
    />
  );
}

function EvidenceStat({ report }: { readonly report: ExperimentReport }) {
  const { logSupPromote, logLinePromote } = report.evaluation;
  const isReached = logSupPromote >= logLinePromote;
  return (
    <Stat
      id="evidence"
      name="Evidence"
      about="evidence"
      value={evidence(logSupPromote)}
      more={
        report.policy.kind === "threshold"
          ? "does not decide here"
          : `promotes at ${evidence(logLinePromote)}`
      }
    >
      <Meter
        title={`${evidence(logSupPromote)} of ${evidence(logLinePromote)}`}
        fraction={logSupPromote / logLinePromote}
        tone={isReached ? "good" : "challenger"}
      />
    </Stat>
  );
}

function SessionsStat({ report }: { readonly report: ExperimentReport }) {
  const { evaluation, policy, daysLeft, unitsPerDay, status, isAwaitingApproval } = report;
  const isCollecting = status === "running" && !isAwaitingApproval;
  const left = isCollecting && daysLeft !== null && unitsPerDay !== null;
  return (
    <Stat
      id="sessions"
      name="Sessions"
      about="sessions"
      value={count(evaluation.sessionCount)}
      more={`of ${count(policy.horizon)} planned${left ? `; at most ${days(daysLeft)} left` : ""}`}
    >
      <Meter
        title={`${count(evaluation.sessionCount)} of ${count(policy.horizon)} sessions`}
        fraction={evaluation.sessionCount / policy.horizon}
      />
    </Stat>
  );
}

/** Where it stands in a few words, for someone who reads nothing else. */
export function headlineOf(report: ExperimentReport): string {
  const { evaluation, policy, isAwaitingApproval, challenger, challengers, decision, kind } = report;
  const { verdict, reason } = rulingOf(report);
  const name = configName(challengers[(decision?.arm ?? 0) - 1] ?? challenger);
  if (isAwaitingApproval) return `${name} is ready to be promoted`;
  if (verdict === "promote") return kind === "watch" ? `${name} is champion again` : `${name} was promoted`;
  if (verdict === "hold") return "The champion stays";
  if (verdict === "abort") return `Aborted: ${ABORTED[reason] ?? reason}`;
  const { probabilityBetterBy: better, logSupPromote, logLinePromote, sessionCount } = evaluation;
  if (report.assign !== null) return "Observed, not randomised";
  if (sessionCount === 0) return "Nothing is known yet";
  if (logSupPromote >= logLinePromote) return "The evidence is in";
  if (better >= Math.min(0.9, policy.tau)) return "The challenger is ahead, not proven yet";
  if (better <= 0.1) return "The champion is ahead";
  return "Too close to tell";
}

const ABORTED: Readonly<Record<string, string>> = {
  harm: "the challenger was worse",
  guardrail: "a guardrail was crossed",
  srm: "the comparison was broken",
  fuse: "the challenger's errors blew the fuse",
  manual: "by hand",
  "champion-changed": "the champion was changed",
};

/** Who is ahead, how sure that is, what it costs and what happens next: all in one card. */
export function Verdict({ view }: { readonly view: ExperimentView }) {
  const { report } = view;
  const { evaluation, policy } = report;
  const [outcome = "", next = ""] = explain({ ruling: rulingOf(report), evaluation, policy });
  const isOpen = !hasEnded(report.status) && !report.isAwaitingApproval;
  return (
    <section class="card verdict" aria-label="Where it stands">
      <h2 class="headline">{headlineOf(report)}</h2>
      <div class="duel">
        <Rate view={view} arm={0} />
        <Rate view={view} arm={evaluation.arm} />
      </div>
      <p class="verdict-lead">{unbroken(next)}</p>
      <p class="verdict-lead second">{unbroken(outcome)}</p>
      <dl class="stats">
        <Stat
          id="better"
          name={policy.minUplift === 0 ? "P(better)" : `P(> ${signedPoints(policy.minUplift)})`}
          about="probabilityBetter"
          value={probability(evaluation.probabilityBetterBy)}
          more={`${policy.tau} or more to promote`}
        >
          <Meter
            title={`P ${probability(evaluation.probabilityBetterBy)}`}
            fraction={evaluation.probabilityBetterBy}
          />
        </Stat>
        <EvidenceStat report={report} />
        <Stat
          id="uplift"
          name="Uplift"
          about="uplift"
          value={signedPoints(evaluation.upliftMean)}
          more={range(...evaluation.upliftInterval)}
        />
        {isOpen && policy.kind === "calibrated" ? (
          <Stat
            id="chance"
            name="Chance of promotion"
            about="chance"
            value={percent(evaluation.chanceOfPromotion)}
            more={`by ${plural(policy.horizon, "session")}`}
          >
            <Meter title={percent(evaluation.chanceOfPromotion)} fraction={evaluation.chanceOfPromotion} />
          </Stat>
        ) : null}
        <SessionsStat report={report} />
        <CostStat report={report} />
      </dl>
    </section>
  );
}

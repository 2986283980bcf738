/**
 * The overview: every project at one look.
 */

import type { Assign } from "../../core/sessions/assign.js";
import {
  count,
  duration,
  evidence,
  percent,
  plural,
  probability,
  signedPoints,
  timeAgo,
} from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import type { Alarm, ProjectSummary, Standing } from "../../engine/experiments/overview.js";
import type { DecisionHead } from "../../engine/ports-access.js";
import { stateText } from "../../engine/words/setup.js";
import { assignText } from "../../engine/words/study.js";
import { Meter, Whisker } from "../charts/inline.js";
import { Page, type Request } from "./layout.js";
import { configName, contestName, experimentPath, projectPath, statusTone } from "./names.js";
import { ArmName, Badge, Empty, Head, type NoticeProps, Notices, Stat, Term, unbroken } from "./parts.js";

/** What the overview is made from. */
export interface OverviewProps {
  readonly request: Request;
  readonly projects: readonly ProjectSummary[];
  /** what the keys of the projects shown contain; empty for all */
  readonly search: string;
  /** the newest decisions of all projects, newest first */
  readonly decisions: readonly DecisionHead[];
  readonly nowMs: number;
}

type Running = NonNullable<ProjectSummary["experiment"]>;

/** A job that settles is late after so long. */
const STALE_MS = 3_600_000;

const ALARMS: Record<Alarm, Omit<NoticeProps, "action">> = {
  srm: {
    tone: "bad",
    title: "Sample ratio.",
    text: "Sessions do not seem to reach the arms in their shares: look at how they are assigned.",
  },
  missing: {
    tone: "bad",
    title: "Missing outcomes.",
    text: "One arm seems to lose more outcomes than the other.",
  },
  guardrail: {
    tone: "bad",
    title: "Guardrail.",
    text: "The challenger seems to make a guarded metric worse by more than is allowed.",
  },
  "awaiting-approval": {
    tone: "warn",
    title: "Awaiting approval.",
    text: "The evidence is in; a person has to approve the promotion.",
  },
  review: {
    tone: "warn",
    title: "Needs review.",
    text: "The criteria disagree: what one of them says should not be taken alone.",
  },
};

function noticesOf(
  { key, experiment, overdueSinceMs }: ProjectSummary,
  nowMs: number,
): readonly NoticeProps[] {
  const alarms = (experiment?.standing.alarms ?? []).map((alarm): NoticeProps => {
    const name = alarm === "awaiting-approval" ? "Review" : "Look";
    return { ...ALARMS[alarm], action: { name, href: experimentPath(key, experiment?.id ?? "") } };
  });
  const lateMs = overdueSinceMs === null ? 0 : nowMs - overdueSinceMs;
  if (lateMs < STALE_MS) return alarms;
  const text = `Sessions have waited to be settled for ${duration(lateMs)}: run 'dethrone decide --every 5m', or serve with a schedule.`;
  return [...alarms, { tone: "warn", title: "No job is ticking.", text }];
}

function ProjectHead({ project }: { readonly project: ProjectSummary }) {
  const { key, champion, sessionsToday, draftCount } = project;
  return (
    <div>
      <h2>
        <a href={projectPath(key)}>{key}</a>
      </h2>
      <p class="small">
        <ArmName arm={0}>{configName(champion)}</ArmName> <span class="quiet">is champion</span>
      </p>
      <p class="small">
        <Term
          id={`today-${encodeURIComponent(key)}`}
          name={`${plural(sessionsToday, "session")} today`}
          about="sessionsToday"
        />
        {draftCount === 0 ? null : <span class="quiet">, {plural(draftCount, "draft")} waiting</span>}
      </p>
    </div>
  );
}

/** An experiment whose arms a rule gives: nothing is on its way to a decision. */
function NotRandomised({
  project,
  experiment,
}: {
  readonly project: ProjectSummary;
  readonly experiment: Running & { readonly assign: Assign };
}) {
  const { id, challengers, assign } = experiment;
  return (
    <div>
      <p class="head-line">
        <a href={experimentPath(project.key, id)}>{contestName(project.champion, challengers)}</a>
        <Badge tone="neutral">{stateText(experiment)}</Badge>
      </p>
      <p class="quiet small">Observational, and never promoted by itself; {assignText(assign)}.</p>
    </div>
  );
}

const isObserved = (experiment: Running): experiment is Running & { readonly assign: Assign } =>
  experiment.assign !== null;

/** The evidence on its way to the line; past it, the bar is full. */
function TowardLine({
  project,
  experiment,
}: {
  readonly project: ProjectSummary;
  readonly experiment: Running;
}) {
  const { standing, id, challengers } = experiment;
  const { logSupPromote, logLinePromote } = standing;
  const title = `evidence ${evidence(logSupPromote)} of ${evidence(logLinePromote)}`;
  const state = stateText(experiment);
  return (
    <div>
      <p class="head-line">
        <a href={experimentPath(project.key, id)}>{contestName(project.champion, challengers)}</a>
        <Badge tone={statusTone(state)}>{experiment.kind === "watch" ? `watch, ${state}` : state}</Badge>
      </p>
      <div class="toline">
        <Meter
          title={title}
          fraction={logSupPromote / logLinePromote}
          tone={logSupPromote >= logLinePromote ? "good" : "challenger"}
        />
        <p class="toline-scale">
          <Term id={`evidence-${id}`} name={`evidence ${evidence(logSupPromote)} at best`} about="evidence" />
          <span>promotes at {evidence(logLinePromote)}</span>
        </p>
      </div>
      <Rates standing={standing} />
      <p class="quiet small">{unbroken(leadText(standing))}</p>
    </div>
  );
}

/** The success rates of both arms on one scale, each with its 95 % interval. */
function Rates({ standing: { arms, arm } }: { readonly standing: Standing }) {
  const shown = arms.filter((each) => each.arm === 0 || each.arm === arm);
  const low = Math.min(...shown.map(({ interval }) => interval[0]));
  const high = Math.max(...shown.map(({ interval }) => interval[1]));
  return (
    <div class="rates">
      {shown.map(({ arm: place, role, mean, interval: [from, to] }) => (
        <Whisker
          title={`${role} ${percent(mean)}, 95 % between ${percent(from)} and ${percent(to)}`}
          low={from}
          middle={mean}
          high={to}
          domain={[low, high]}
          arm={place}
        />
      ))}
    </div>
  );
}

/** Who is ahead, in a sentence. */
function leadText({ arms, arm, sessionCount, upliftMean }: Standing): string {
  const [champion, challenger] = [arms[0], arms[arm]];
  if (!champion?.sessionCount || !challenger?.sessionCount)
    return `${plural(sessionCount, "session")} so far.`;
  const [ahead, behind] = upliftMean > 0 ? [challenger, champion] : [champion, challenger];
  const rate = (each: typeof champion): string => percent(each.scoreSum / each.sessionCount);
  return `The ${ahead.role} is ahead: ${rate(ahead)} against ${rate(behind)}, uplift ${signedPoints(upliftMean)}.`;
}

function Numbers({ experiment }: { readonly experiment: Running }) {
  const { id, standing, status, isAwaitingApproval, policy } = experiment;
  const isCollecting = status === "running" && !isAwaitingApproval;
  const left = isCollecting ? standing.daysLeft : null;
  const hasChance = isCollecting && policy.kind === "calibrated";
  return (
    <dl class="stats">
      <Stat
        id={`better-${id}`}
        name="P(better)"
        about="probabilityBetter"
        value={probability(standing.probabilityBetter)}
        more={`${policy.tau} promotes`}
      />
      <Stat
        id={`chance-${id}`}
        name="Chance"
        about="chance"
        value={hasChance ? percent(standing.chanceOfPromotion, 0) : "-"}
        more="of a promotion"
      />
      <Stat
        id={`left-${id}`}
        name="Left"
        about="daysLeft"
        value={left === null ? "-" : days(left)}
        more={`${count(standing.sessionCount)} of ${count(standing.horizon)}`}
      />
    </dl>
  );
}

/** What the last experiment of a project without a running one came to. */
function LastDecision({
  project,
  decision,
  nowMs,
}: {
  readonly project: string;
  readonly decision: DecisionHead | undefined;
  readonly nowMs: number;
}) {
  if (decision === undefined)
    return (
      <p class="quiet small">
        No experiment has run. <a href={projectPath(project)}>Start one</a>
      </p>
    );
  const { experiment, verdict, reason, decidedAtMs } = decision;
  const word = { promote: "promoted", hold: "held", abort: "aborted", continue: "running" }[verdict];
  return (
    <div>
      <p class="head-line">
        <a href={experimentPath(project, experiment)}>Last experiment</a>
        <Badge tone={statusTone(word)}>
          {word}: {reason}
        </Badge>
      </p>
      <p class="quiet small">
        No experiment is running; the last one was decided {timeAgo(nowMs - decidedAtMs)}.
      </p>
    </div>
  );
}

function ProjectCard({
  project,
  decision,
  nowMs,
}: {
  project: ProjectSummary;
  decision: DecisionHead | undefined;
  nowMs: number;
}) {
  const { key, experiment } = project;
  return (
    <article class="card project-card" aria-label={key}>
      <ProjectHead project={project} />
      {experiment === null ? (
        <LastDecision project={key} decision={decision} nowMs={nowMs} />
      ) : isObserved(experiment) ? (
        <NotRandomised project={project} experiment={experiment} />
      ) : (
        <>
          <TowardLine project={project} experiment={experiment} />
          <Numbers experiment={experiment} />
        </>
      )}
      <Notices notices={noticesOf(project, nowMs)} />
    </article>
  );
}

const FIRST_STEPS = `import { createEngine } from "dethrone";

const engine = await createEngine({ url: "file:dethrone.db" });
const bot = await engine.project("support", { champion: { model: "m-large", prompt: "Be thorough." } });

const answer = bot.wrap((session, question) => runAgent(session.config, question), {
  score: (result) => result.resolved,
});`;

/** What needs a person first, then what runs, then the rest; each by key. */
function byUrgency(projects: readonly ProjectSummary[], nowMs: number): readonly ProjectSummary[] {
  const rank = (project: ProjectSummary): number => {
    if (noticesOf(project, nowMs).length > 0) return 0;
    return project.experiment === null ? 2 : 1;
  };
  return [...projects].sort((left, right) => rank(left) - rank(right));
}

/** What all projects come to, in a sentence. */
function summary(projects: readonly ProjectSummary[], nowMs: number): string {
  const running = projects.filter(({ experiment }) => experiment !== null).length;
  const alarmed = projects.filter((project) => noticesOf(project, nowMs).length > 0).length;
  const attention =
    alarmed === 0 ? "nothing needs attention" : `${alarmed} ${alarmed === 1 ? "needs" : "need"} attention`;
  return `${plural(projects.length, "project")}, ${plural(running, "experiment")} in progress; ${attention}.`;
}

/** More projects than this are looked up by their names. */
const SHOWN_MAX = 100;
const SEARCH_FROM = 8;

function Search({ search }: { readonly search: string }) {
  return (
    <form class="search" method="get" action="/">
      <label class="field">
        <span>Project</span>
        <input type="search" name="q" value={search} />
      </label>
      <button class="button" type="submit">
        Search
      </button>
    </form>
  );
}

function Cards({ search, projects, decisions, nowMs }: Omit<OverviewProps, "request">) {
  const found = byUrgency(
    projects.filter(({ key }) => key.includes(search)),
    nowMs,
  );
  return (
    <div class="stack">
      {found.slice(0, SHOWN_MAX).map((project) => (
        <ProjectCard
          project={project}
          decision={decisions.find((each) => each.project === project.key)}
          nowMs={nowMs}
        />
      ))}
      {found.length === 0 ? <p class="quiet">No project has '{search}' in its key.</p> : null}
      {found.length <= SHOWN_MAX ? null : (
        <p class="quiet">{plural(found.length - SHOWN_MAX, "project")} more: search for them by name.</p>
      )}
    </div>
  );
}

/** The overview page. */
export function Overview({ request, ...props }: OverviewProps) {
  const { projects, search, nowMs } = props;
  return (
    <Page request={request} title="Overview">
      {projects.length === 0 ? (
        <Empty
          title="No project yet"
          text="A project is one agent whose config is to be improved. It appears here once its code has run:"
          code={FIRST_STEPS}
          more="Or from the command line: dethrone project create support --champion config.json. To look around first: dethrone demo."
        />
      ) : (
        <>
          <Head
            title="Overview"
            note={summary(projects, nowMs)}
            buttons={projects.length > SEARCH_FROM || search !== "" ? <Search search={search} /> : undefined}
          />
          <Cards {...props} />
        </>
      )}
    </Page>
  );
}

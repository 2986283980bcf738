/**
 * The page of a project: its champions over time, its experiments and what they come to together, its configs.
 */
import { type Ledger, ledgerOf } from "../../core/decision/ledger.js";
import type { ExperimentStatus } from "../../core/decision/life-cycle.js";
import { percent, plural } from "../../core/words/numbers.js";
import type { ConfigEntry } from "../../engine/configs/lineage.js";
import type { Engine } from "../../engine/engine.js";
import type { ExperimentSummary } from "../../engine/experiments/experiment-summary.js";
import type { ProjectQueue } from "../../engine/experiments/queue.js";
import type { StoredAuditEntry } from "../../engine/ports.js";
import type { StudySummary } from "../../engine/studies/studies.js";
import { stateText } from "../../engine/words/setup.js";
import { LedgerChart, type LedgerOutcome, OutcomeShape } from "../charts/ledger.js";
import { type ChartedReign, ReignsChart } from "../charts/reigns.js";
import { minuteText } from "../time-text.js";
import { Page, type Request } from "./layout.js";
import { Log } from "./log.js";
import { configName, diffPath, experimentPath, projectPath, statusTone } from "./names.js";
import { ArmName, Badge, Card, Empty, Head, Scroll } from "./parts.js";
import { QueueCard } from "./queue.js";
import { Studies } from "./studies.js";

/** What the page of a project is made from. */
export interface ProjectView {
  readonly key: string;
  readonly configs: readonly ConfigEntry[];
  /** newest first, archived ones included */
  readonly experiments: readonly ExperimentSummary[];
  readonly studies: readonly StudySummary[];
  readonly ledger: Ledger;
  readonly queue: ProjectQueue;
  readonly log: readonly StoredAuditEntry[];
  readonly nowMs: number;
}

const LOG_SHOWN = 30;

/** Everything the page of a project shows. @throws DethroneError `project_not_found` */
export async function projectView(engine: Engine, key: string): Promise<ProjectView> {
  const project = await engine.project(key);
  const report = await project.report();
  return {
    key,
    configs: await project.configs(),
    experiments: await project.experiments({ archived: true }),
    queue: await project.queue(),
    studies: await engine.studies.list(key),
    ledger: report?.ledger ?? ledgerOf([]),
    log: await project.history(LOG_SHOWN),
    nowMs: engine.now(),
  };
}

/** The reigns of all configs, oldest first. */
function reignsOf(configs: readonly ConfigEntry[]): readonly ChartedReign[] {
  return configs
    .flatMap((config) => config.reigns.map((reign) => ({ name: configName(config), ...reign })))
    .sort((left, right) => left.fromMs - right.fromMs);
}

const OUTCOMES: Record<ExperimentStatus, LedgerOutcome> = {
  draft: "draft",
  running: "running",
  paused: "running",
  promoted: "promoted",
  held: "held",
  aborted: "aborted",
};

type Labels = ReadonlyMap<string, string | null>;

const labelsOf = (configs: readonly ConfigEntry[]): Labels =>
  new Map(configs.map(({ hash, label }) => [hash, label]));

const challengersText = ({ challengers }: ExperimentSummary, labels: Labels): string =>
  challengers.map(({ hash }) => configName({ hash, label: labels.get(hash) ?? null })).join(", ");

function ExperimentRow({
  project,
  experiment,
  labels,
}: {
  project: string;
  experiment: ExperimentSummary;
  labels: Labels;
}) {
  const { id, kind, status, startedAtMs, endedAtMs, share, assign, owner, archivedAtMs, hypothesis } =
    experiment;
  const state = stateText(experiment);
  return (
    <tr>
      <th scope="row" class="wrap">
        <a href={experimentPath(project, id)}>{challengersText(experiment, labels)}</a>
        {hypothesis === null ? null : <span class="quiet clamped">{hypothesis}</span>}
      </th>
      <td class="text">
        <Badge tone={statusTone(state)}>
          <OutcomeShape outcome={OUTCOMES[status]} title={state} />
          {kind === "watch" ? `watch, ${state}` : state}
          {archivedAtMs === null ? "" : ", archived"}
        </Badge>
      </td>
      <td>{assign === null ? percent(share) : assign.by}</td>
      <td>{startedAtMs === null ? "-" : minuteText(startedAtMs)}</td>
      <td>{endedAtMs === null ? "-" : minuteText(endedAtMs)}</td>
      <td class="text">{owner ?? ""}</td>
    </tr>
  );
}

function Experiments({ view }: { readonly view: ProjectView }) {
  const { key, experiments, configs } = view;
  const labels = labelsOf(configs);
  if (experiments.length === 0)
    return (
      <Empty
        title="No experiment yet"
        text="Give a share of the sessions to another config, and let the better one stay:"
        code={`await bot.challenge({ model: "m-large", prompt: "Be brief." }, { share: 0.2 });`}
        more={`Or from the command line: dethrone challenge ${key} --set prompt='Be brief.' --share 0.2 --dry-run`}
      />
    );
  return (
    <Card title="Experiments">
      <Scroll label="Experiments">
        <table>
          <thead>
            <tr>
              <th scope="col">challenger</th>
              <th scope="col" class="text">
                state
              </th>
              <th scope="col">share</th>
              <th scope="col">started (UTC)</th>
              <th scope="col">ended (UTC)</th>
              <th scope="col" class="text">
                owner
              </th>
            </tr>
          </thead>
          <tbody>
            {experiments.map((experiment) => (
              <ExperimentRow project={key} experiment={experiment} labels={labels} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

const ROLE_TONE = {
  champion: "good",
  contending: "neutral",
  "former champion": "neutral",
  elsewhere: "neutral",
  challenger: "neutral",
} as const;

function ConfigLine({ project, entry }: { readonly project: string; readonly entry: ConfigEntry }) {
  const { hash, role, parent, changes, actor, addedAtMs, reason } = entry;
  const arm = role === "champion" ? 0 : role === "contending" ? 1 : null;
  const name = configName(entry);
  return (
    <div class="config-line">
      {arm === null ? (
        <strong>{name}</strong>
      ) : (
        <ArmName arm={arm}>
          <strong>{name}</strong>
        </ArmName>
      )}
      {entry.label === null ? null : <code class="quiet">{hash.slice(0, 12)}</code>}
      <Badge tone={ROLE_TONE[role]}>{role}</Badge>
      {parent === null ? null : (
        <a href={diffPath(project, parent, hash)}>{plural(changes.length, "change")}</a>
      )}
      <span class="quiet">
        {minuteText(addedAtMs)} by {actor}
        {reason === null ? "" : `: ${reason}`}
      </span>
    </div>
  );
}

/** Configs below those they were made from. */
function ConfigTree({
  project,
  entries,
  parent,
}: {
  project: string;
  entries: readonly ConfigEntry[];
  parent: string | null;
}) {
  const hashes = new Set(entries.map(({ hash }) => hash));
  const isBelow = (entry: ConfigEntry): boolean =>
    parent === null ? entry.parent === null || !hashes.has(entry.parent) : entry.parent === parent;
  const children = entries.filter((entry) => isBelow(entry) && entry.hash !== parent);
  if (children.length === 0) return null;
  return (
    <ul class={parent === null ? "tree" : undefined}>
      {children.map((entry) => (
        <li>
          <ConfigLine project={project} entry={entry} />
          <ConfigTree project={project} entries={entries} parent={entry.hash} />
        </li>
      ))}
    </ul>
  );
}

function History({ view: { configs, experiments, log } }: { readonly view: ProjectView }) {
  const challengers = new Map(experiments.map((each) => [each.id, each.challengers.map(({ hash }) => hash)]));
  return (
    <Card title="History" note={`The newest ${LOG_SHOWN} entries of the log.`}>
      <Log entries={log} names={{ labels: labelsOf(configs), challengers }} />
    </Card>
  );
}

/** The page of a project. */
export function ProjectPage({ request, view }: { readonly request: Request; readonly view: ProjectView }) {
  const { key, configs, experiments, ledger, queue, nowMs } = view;
  const reigns = reignsOf(configs);
  const champion = configs.find(({ role }) => role === "champion");
  const labels = labelsOf(configs);
  const isRollback = (request.visitor?.isAdmin ?? false) && reigns.length > 1;
  return (
    <Page request={request} title={key} crumbs={[{ name: "Overview", href: "/" }]}>
      <Head
        title={key}
        note={
          champion === undefined ? undefined : (
            <>
              <ArmName arm={0}>{configName(champion)}</ArmName> is champion
            </>
          )
        }
        buttons={
          isRollback ? (
            <a class="button" href={`${projectPath(key)}/rollback`}>
              Roll back
            </a>
          ) : undefined
        }
      />
      <div class="stack">
        <Experiments view={view} />
        <QueueCard project={key} queue={queue} nameOf={(each) => challengersText(each, labels)} />
        <div class="grid">
          <Card title="Champions over time">
            <ReignsChart id="reigns" reigns={reigns} nowMs={nowMs} />
          </Card>
          <Card
            title="Ledger"
            note="All experiments together. Each had its chance to promote wrongly; the sum of their levels bounds how often that is expected."
          >
            <LedgerChart
              ledger={ledger}
              cells={[...experiments].reverse().map((experiment) => ({
                name: challengersText(experiment, labels),
                href: experimentPath(key, experiment.id),
                outcome: OUTCOMES[experiment.status],
              }))}
            />
          </Card>
        </div>
        <Studies studies={view.studies} />
        <Card title="Configs" note="Each below the champion it was made to improve on.">
          <ConfigTree project={key} entries={configs} parent={null} />
        </Card>
        <History view={view} />
      </div>
    </Page>
  );
}

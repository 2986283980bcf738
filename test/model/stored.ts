/**
 * The database and the model, written down the same way: what differs between the two is a bug in one of them.
 */
import { championOf, type Experiment, type Model, type Project } from "./model.js";
import type { World } from "./world.js";

/** Rows as text, by table. */
type Tables = Readonly<Record<string, readonly string[]>>;

const row = (values: readonly unknown[]): string => values.map((value) => String(value ?? "-")).join(" | ");

const NAME = "json_extract(configs.body, '$.name')";

/** In the order in which they were written where that matters; else sorted. */
const ORDERED = {
  reigns: `SELECT key, ${NAME}, cause FROM reigns JOIN projects ON projects.id = project_id
    JOIN configs ON configs.id = config_id ORDER BY key, reigns.id`,
  audit: `SELECT key, action, uid, actor, reason FROM audit_log JOIN projects ON projects.id = audit_log.project_id
    LEFT JOIN experiments ON experiments.id = experiment_id ORDER BY key, audit_log.id`,
  sessions: `SELECT sessions.id, key, ${NAME}, uid, position, unit, root_id, excluded, is_evidence, shares
    FROM sessions JOIN projects ON projects.id = sessions.project_id JOIN configs ON configs.id = sessions.config_id
    LEFT JOIN experiments ON experiments.id = sessions.experiment_id LEFT JOIN arms ON arms.id = arm_id ORDER BY seq`,
};

const SORTED = {
  projects: `SELECT key, ${NAME}, holdout_buckets FROM projects JOIN configs ON configs.id = champion_config_id`,
  lineage: `SELECT key, ${NAME}, json_extract(parents.body, '$.name'), label, actor
    FROM project_configs JOIN projects ON projects.id = project_id JOIN configs ON configs.id = config_id
    LEFT JOIN configs AS parents ON parents.id = parent_config_id`,
  experiments: `SELECT key, uid, kind, status, again, json_extract(audience, '$.where.platform'), exclusion_group,
      experiments.holdout_buckets, json_extract(watch, '$.share'), json_extract(policy, '$.maxDurationMs'), description,
      starts_at_ms, started_at_ms, ended_at_ms, archived_at_ms, ${NAME}
    FROM experiments JOIN projects ON projects.id = project_id
    JOIN configs ON configs.id = experiments.champion_config_id`,
  arms: `SELECT uid, position, role, ${NAME}, bucket_count, out FROM arms
    JOIN experiments ON experiments.id = experiment_id JOIN configs ON configs.id = config_id`,
  units: `SELECT uid, unit, position, session_id FROM units JOIN experiments ON experiments.id = units.experiment_id
    JOIN arms ON arms.id = arm_id`,
  overrides: `SELECT uid, unit, position FROM overrides JOIN experiments ON experiments.id = overrides.experiment_id
    JOIN arms ON arms.id = arm_id`,
  revisions: "SELECT uid, from_seq FROM revisions JOIN experiments ON experiments.id = experiment_id",
  decisions: `SELECT experiments.uid, is_terminal, verdict, reason, arm, decisions.actor FROM decisions
    JOIN experiments ON experiments.id = experiment_id`,
};

/** What is stored. */
export function storedTables(world: World): Tables {
  const read = (sql: string): string[] => world.rows<object>(sql).map((each) => row(Object.values(each)));
  const ordered = Object.entries(ORDERED).map(([name, sql]) => [name, read(sql)]);
  const sorted = Object.entries(SORTED).map(([name, sql]) => [name, read(sql).sort()]);
  return Object.fromEntries([...ordered, ...sorted]);
}

function experimentRow({ key }: Project, experiment: Experiment): string {
  const { uid, kind, status, again, audience, group, holdout, watch, lastsMs, description } = experiment;
  const { startsAtMs, startedAtMs, endedAtMs, archivedAtMs, arms } = experiment;
  const terms = [again, audience, group, holdout, watch, lastsMs, description];
  const times = [startsAtMs, startedAtMs, endedAtMs, archivedAtMs];
  return row([key, uid, kind, status, ...terms, ...times, arms[0]?.config]);
}

function ofExperiment({ uid, arms, units, overrides, revisions, decision }: Experiment): Tables {
  const role = (place: number): string => (place === 0 ? "champion" : "challenger");
  const { verdict, reason, arm, actor } = decision ?? {};
  return {
    arms: arms.map(({ config, buckets, out }, place) => row([uid, place, role(place), config, buckets, out])),
    units: Object.entries(units).map(([unit, { place, session }]) => row([uid, unit, place, session])),
    overrides: Object.entries(overrides).map(([unit, place]) => row([uid, unit, place])),
    revisions: revisions.map((fromSeq) => row([uid, fromSeq])),
    decisions: decision === null ? [] : [row([uid, 1, verdict, reason, arm, actor])],
  };
}

function ofProject(project: Project): Tables {
  const { key, holdout, reigns, configs, audit, experiments } = project;
  const lineage = Object.entries(configs).map(([name, { parent, label, actor }]) =>
    row([key, name, parent, label, actor]),
  );
  return {
    projects: [row([key, championOf(project), holdout])],
    reigns: reigns.map(({ config, cause }) => row([key, config, cause])),
    lineage,
    experiments: experiments.map((experiment) => experimentRow(project, experiment)),
    audit: audit.map(({ action, experiment, actor, reason }) =>
      row([key, action, experiment, actor, reason]),
    ),
  };
}

function sessionRows({ sessions }: Model): string[] {
  return sessions.map(({ id, project, config, experiment, place, unit, root, excluded, shares }) => {
    const isEvidence = experiment !== null && excluded === null ? 1 : 0;
    const given = shares === null ? null : JSON.stringify(shares);
    return row([id, project, config, experiment, place, unit, root, excluded, isEvidence, given]);
  });
}

/** What the model says is stored. */
export function expectedTables(model: Model): Tables {
  const projects = Object.values(model.projects).sort((left, right) => (left.key < right.key ? -1 : 1));
  const parts = projects.flatMap((project) => [ofProject(project), ...project.experiments.map(ofExperiment)]);
  const all = (name: string): string[] => parts.flatMap((part) => part[name] ?? []);
  return {
    reigns: all("reigns"),
    audit: all("audit"),
    sessions: sessionRows(model),
    ...Object.fromEntries(Object.keys(SORTED).map((name) => [name, all(name).sort()])),
  };
}

/** What must hold whatever anyone did: queries that find nothing. */
const NEVER = {
  "two experiments in a slot": `SELECT project_id FROM experiments WHERE status IN ('running', 'paused')
    GROUP BY project_id HAVING count(*) > 1`,
  "a champion that is not the newest reign's": `SELECT key FROM projects WHERE champion_config_id <>
    (SELECT config_id FROM reigns WHERE project_id = projects.id ORDER BY id DESC LIMIT 1)`,
  "a contest against another champion than the project's": `SELECT uid FROM experiments
    JOIN projects ON projects.id = project_id
    WHERE status IN ('running', 'paused') AND experiments.champion_config_id <> projects.champion_config_id`,
  "an experiment without exactly one champion's arm, of the champion": `SELECT uid FROM experiments WHERE 1 <>
    (SELECT count(*) FROM arms WHERE experiment_id = experiments.id AND role = 'champion' AND position = 0
      AND config_id = champion_config_id)`,
  "buckets that are not all given out": `SELECT uid FROM experiments WHERE 10000 <>
    (SELECT sum(bucket_count) FROM arms WHERE experiment_id = experiments.id)`,
  "a share for a challenger that is out": "SELECT id FROM arms WHERE out IS NOT NULL AND bucket_count > 0",
  "not one terminal decision of what has ended, or one of what has not": `SELECT uid FROM experiments
    WHERE (status IN ('promoted', 'held', 'aborted')) <>
    (SELECT count(*) FROM decisions WHERE experiment_id = experiments.id AND is_terminal = 1)`,
  "a unit with two sessions that are evidence": `SELECT experiment_id, unit FROM sessions
    WHERE is_evidence = 1 AND unit IS NOT NULL GROUP BY experiment_id, unit HAVING count(*) > 1`,
  "evidence that is excluded, or outside of an experiment": `SELECT id FROM sessions
    WHERE is_evidence = 1 AND (excluded IS NOT NULL OR arm_id IS NULL)`,
  "a unit that has moved": `SELECT sessions.id FROM sessions JOIN units USING (experiment_id, unit)
    WHERE (excluded IS NULL OR excluded = 'repeat') AND sessions.arm_id <> units.arm_id`,
  "someone new at a share of 0": `SELECT sessions.id FROM sessions JOIN arms ON arms.id = arm_id
    WHERE is_evidence = 1 AND position > 0 AND json_extract(shares, '$[' || (position - 1) || ']') = 0`,
  "a session of an arm under another config": `SELECT sessions.id FROM sessions JOIN arms ON arms.id = arm_id
    WHERE sessions.config_id <> arms.config_id`,
  "a unit in two experiments of a group": `SELECT unit FROM units JOIN experiments ON experiments.id = experiment_id
    WHERE exclusion_group IS NOT NULL AND status IN ('running', 'paused')
    GROUP BY exclusion_group, unit HAVING count(*) > 1`,
};

const RULES = Object.entries(NEVER)
  .map(([rule, sql]) => `SELECT '${rule.replaceAll("'", "''")}' AS rule WHERE EXISTS (${sql})`)
  .join(" UNION ALL ");

/** The rules of the database that are broken. */
export const brokenRules = (world: World): string[] =>
  world.rows<{ rule: string }>(RULES).map(({ rule }) => rule);

/**
 * Studies: sessions outside of experiments, put into two arms afterwards and compared. Observational, so nothing here
 * decides or promotes; what a study suggests is a question for a challenge.
 */
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { StudyTag } from "../../core/studies/classification.js";
import { OBSERVATIONAL, type StudyNumbers } from "../../core/studies/study.js";
import type { EngineContext } from "../context.js";
import { auditByHand, type ByHand, checkActor, DEFAULT_ACTOR } from "../experiments/audit.js";
import { requireProject } from "../experiments/lookup.js";
import type { GitFacts, Store, StoredStudy, StudyFindings, StudyTerms } from "../ports.js";
import { type AskGit, observe } from "./observe.js";
import { type StudyInput, studyTerms } from "./study-input.js";

/** A study as the host sees it. */
export interface StudySummary extends Omit<StudyTerms, "name"> {
  readonly kind: typeof OBSERVATIONAL;
  readonly project: string;
  readonly study: string;
  readonly status: "running" | "concluded";
  readonly createdAtMs: number;
  readonly concludedAtMs: number | null;
  readonly archivedAtMs: number | null;
}

/** What a study has found. */
export interface StudyReport extends Omit<StudySummary, "metrics">, StudyNumbers {
  /** null without a rule by git */
  readonly git: GitFacts | null;
  /**
   * the config that most of the challenger's sessions ran, to challenge with: nothing but a challenge tells whether it is
   * better. Null where it is the champion already, or not stored
   */
  readonly challenger: {
    readonly hash: string;
    readonly label: string | null;
    readonly body: JsonObject;
  } | null;
  /** when it was found */
  readonly atMs: number;
}

/** How a report asks what it cannot know. */
export interface StudyReportOptions {
  /** asks git of commits, see `gitAncestry`; default: what its rule would tell is unknown */
  readonly git?: AskGit | undefined;
}

/** The arm that a person gives a session in a study. */
export interface TagInput {
  readonly study: string;
  /** `excluded` puts it into neither, whatever the rules say */
  readonly arm: StudyTag;
  readonly actor?: string | undefined;
}

/** What became of a tag. */
export interface TagReceipt {
  /** `duplicate`: the session had it already */
  readonly status: "recorded" | "duplicate";
}

const TAGS: readonly unknown[] = ["champion", "challenger", "excluded"] satisfies StudyTag[];

function summaryOf(project: string, stored: StoredStudy): StudySummary {
  const { name, hypothesis, rules, metrics, sinceMs, untilMs } = stored;
  const { createdAtMs, concludedAtMs, archivedAtMs } = stored;
  const status = concludedAtMs === null ? "running" : "concluded";
  return {
    ...{ kind: OBSERVATIONAL, project, study: name, status, hypothesis, rules, metrics, sinceMs, untilMs },
    ...{ createdAtMs, concludedAtMs, archivedAtMs },
  };
}

/** The studies of all projects. */
export class Studies {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  get #store(): Store {
    return this.#context.requireStore();
  }

  /**
   * Makes a study of the sessions of a project that were recorded outside of experiments, past and to come.
   *
   * @param name unique within the project, of 1 to 100 characters
   * @throws DethroneError `project_not_found`, `study_exists`, `input_invalid`, `settings_invalid`, `policy_invalid`,
   *   `config_not_found`
   */
  async create(
    project: string,
    name: string,
    input: StudyInput & { readonly actor?: string | undefined } = {},
  ): Promise<StudySummary> {
    const { id: projectId } = await requireProject(this.#store, project);
    const { actor = DEFAULT_ACTOR } = input;
    checkActor(actor);
    const terms = await studyTerms(this.#store, projectId, name, input);
    const audit = {
      ...{ action: "study-created", actor, reason: terms.hypothesis, details: { study: name } },
      atMs: this.#context.clock.now(),
    };
    if (await this.#store.studies.add({ ...terms, projectId, audit })) return this.get(project, name);
    throw new DethroneError(
      "study_exists",
      `Project '${project}' has a study '${name}' already. Give this one another name.`,
      { project, received: name },
    );
  }

  /** The studies of a project, newest first. @throws DethroneError `project_not_found` */
  async list(
    project: string,
    { archived = false }: { readonly archived?: boolean | undefined } = {},
  ): Promise<readonly StudySummary[]> {
    const { id } = await requireProject(this.#store, project);
    const all = await this.#store.studies.list(id);
    return all
      .filter(({ archivedAtMs }) => archived || archivedAtMs === null)
      .map((study) => summaryOf(project, study));
  }

  /** @throws DethroneError `project_not_found`, `study_not_found` */
  async get(project: string, name: string): Promise<StudySummary> {
    const { id } = await requireProject(this.#store, project);
    return summaryOf(project, await this.#required(id, project, name));
  }

  /**
   * What a study has found: by its sessions as they are now, or by its conclusion as they were then.
   *
   * @throws DethroneError `project_not_found`, `study_not_found`
   */
  async report(project: string, name: string, { git }: StudyReportOptions = {}): Promise<StudyReport> {
    const { id } = await requireProject(this.#store, project);
    const study = await this.#required(id, project, name);
    return this.#reportOf(project, study, study.findings ?? (await this.#observed(study, git)));
  }

  #observed(study: StoredStudy, git: AskGit | undefined): Promise<StudyFindings> {
    return observe(this.#store, study, { askGit: git ?? null, atMs: this.#context.clock.now() });
  }

  async #reportOf(project: string, study: StoredStudy, findings: StudyFindings): Promise<StudyReport> {
    const { numbers, git, challengerConfig, atMs } = findings;
    const { champion } = await requireProject(this.#store, project);
    const configs = await this.#store.projectConfigs(study.projectId);
    const config = configs.find(({ hash }) => hash === challengerConfig && hash !== champion.hash);
    const { metrics: _metrics, ...summary } = summaryOf(project, study);
    return {
      ...{ ...summary, ...numbers, git, atMs },
      challenger: config ? { hash: config.hash, label: config.label, body: config.body } : null,
    };
  }

  /**
   * Ends a study: what it has found by now stays as it is, whatever is recorded, tagged or moved in git afterwards.
   *
   * @throws DethroneError `project_not_found`, `study_not_found`, `transition_illegal`, `settings_invalid`; `git_unavailable`
   *   where git could not tell, `not_supported_here` where nobody here asks it
   */
  async conclude(
    project: string,
    name: string,
    { git, ...byHand }: ByHand & StudyReportOptions,
  ): Promise<StudyReport> {
    const { id } = await requireProject(this.#store, project);
    const study = await this.#required(id, project, name);
    const audit = auditByHand(this.#context, "study-concluded", byHand, { study: name });
    requireRunning(study);
    const findings = await this.#observed(study, git);
    if (findings.git?.problem) {
      throw new DethroneError(
        git ? "git_unavailable" : "not_supported_here",
        `Study '${name}' goes by git, and git could not tell: ${findings.git.problem}. Nothing was concluded.`,
        { study: name, problem: findings.git.problem },
      );
    }
    if (!(await this.#store.studies.conclude({ study, findings, audit })))
      requireRunning(await this.#required(id, project, name));
    return this.report(project, name);
  }

  /** Puts a concluded study away. @throws DethroneError `project_not_found`, `study_not_found`, `transition_illegal`, `settings_invalid` */
  async archive(project: string, name: string, byHand: ByHand): Promise<StudySummary> {
    const { id } = await requireProject(this.#store, project);
    const study = await this.#required(id, project, name);
    const audit = auditByHand(this.#context, "study-archived", byHand, { study: name });
    if (study.concludedAtMs === null) {
      throw new DethroneError(
        "transition_illegal",
        `Study '${name}' is running; conclude it before it is archived.`,
        { study: name, status: "running" },
      );
    }
    await this.#store.studies.archive({ study, audit });
    return this.get(project, name);
  }

  /**
   * Gives a session an arm of a study of its project, which beats all rules. The same again is a duplicate.
   *
   * @param within keys of the projects that may be written to; default: all
   * @throws DethroneError `session_not_found`, `study_not_found`, `input_invalid`, `tag_conflict` where it has another,
   *   `transition_illegal` where the study is concluded
   */
  async tag(
    sessionId: string,
    { study: name, arm, actor = DEFAULT_ACTOR }: TagInput,
    within: { readonly projects?: readonly string[] | null | undefined } = {},
  ): Promise<TagReceipt> {
    checkActor(actor);
    if (!TAGS.includes(arm)) {
      throw new DethroneError("input_invalid", `arm must be one of ${TAGS.join(", ")}.`, {
        field: "arm",
        received: received(arm),
        allowed: TAGS as string[],
      });
    }
    const { projectId, project } = await this.#sessionOutside(sessionId, within.projects ?? null);
    const study = await this.#required(projectId, project, name);
    const tag = { study, sessionId, arm, actor, atMs: this.#context.clock.now() };
    if (study.concludedAtMs === null && (await this.#store.studies.tag(tag))) return { status: "recorded" };
    const stored = await this.#store.studies.tagOf(study.id, sessionId);
    if (stored === arm) return { status: "duplicate" };
    if (stored === null) requireRunning(await this.#required(projectId, project, name));
    throw new DethroneError(
      "tag_conflict",
      `Session '${sessionId}' is tagged ${stored} in study '${name}' already; the first tag stays.`,
      { session: sessionId, study: name, stored, received: arm },
    );
  }

  /** A session that no experiment gave an arm. @throws DethroneError `session_not_found`, `input_invalid` */
  async #sessionOutside(
    id: string,
    projects: readonly string[] | null,
  ): Promise<{ readonly projectId: number; readonly project: string }> {
    const found = await this.#store.findSession(id);
    const project = found && (await this.#store.browse.projectsOf([id])).get(id);
    if (!found || !project || !(projects?.includes(project) ?? true))
      throw new DethroneError("session_not_found", `There is no session '${id}'.`, { received: id });
    if (found.experimentId === null) return { projectId: found.projectId, project };
    throw new DethroneError(
      "input_invalid",
      `Session '${id}' was given its arm by experiment ${found.experimentUid}; studies are of sessions outside of experiments.`,
      { session: id, experiment: found.experimentUid },
    );
  }

  async #required(projectId: number, project: string, name: string): Promise<StoredStudy> {
    const all = await this.#store.studies.list(projectId);
    const found = all.find((study) => study.name === name);
    if (found) return found;
    const known = all.map((study) => study.name);
    throw new DethroneError(
      "study_not_found",
      `Project '${project}' has no study '${name}'. ${known.length > 0 ? `Known: ${known.join(", ")}.` : "Create one with 'dethrone study create'."}`,
      { project, received: received(name), known },
    );
  }
}

/** @throws DethroneError `transition_illegal` */
function requireRunning({ name, concludedAtMs }: StoredStudy): void {
  if (concludedAtMs === null) return;
  throw new DethroneError(
    "transition_illegal",
    `Study '${name}' is concluded: what it found stays as it is. Create another to go on.`,
    { study: name, status: "concluded" },
  );
}

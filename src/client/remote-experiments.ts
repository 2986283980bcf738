/**
 * What people do with the experiments, configs and champion of a project, asked of the server.
 */
import type { Evaluation } from "../core/decision/evaluation.js";
import type { Trajectory } from "../core/decision/trajectory.js";
import { DethroneError, isDethroneError, received } from "../core/errors.js";
import type { ConfigChange } from "../engine/configs/diff.js";
import type { ConfigEntry } from "../engine/configs/lineage.js";
import type { ByHand } from "../engine/experiments/audit.js";
import type { BudgetInput } from "../engine/experiments/budget.js";
import type { EndExperimentInput, OfChallenger, RevisionInput } from "../engine/experiments/by-hand.js";
import type { RollbackInput } from "../engine/experiments/champions.js";
import { timeMs } from "../engine/experiments/description.js";
import type { DraftOptions, EditInput } from "../engine/experiments/drafts.js";
import type { EvaluationPage, ProjectEvaluationFilter } from "../engine/experiments/evaluations.js";
import type { ExperimentSummary } from "../engine/experiments/experiment-summary.js";
import type {
  ExperimentFilter,
  OfExperiment,
  ProjectExperimentsApi,
  ReportOptions,
} from "../engine/experiments/project-experiments.js";
import type { ProjectQueue } from "../engine/experiments/queue.js";
import type { ExperimentReport } from "../engine/experiments/report.js";
import type { Override, StoredAuditEntry } from "../engine/ports.js";
import type { RouteRequest } from "../server/contract/routes.js";
import type { ClientRouteId } from "./routes.js";
import type { Transport } from "./transport.js";

const HISTORY_LIMIT = 100;
/** Most entries of a page, as the contract has it. */
const PAGE_MAX = 200;
/** As paths name the experiment that is meant where none is: the one in the slot, else the newest. */
const CURRENT = "current";

type VerbId = "pauseExperiment" | "resumeExperiment" | "reviseExperiment" | "dropChallenger";
type EndingId = "abortExperiment" | "promoteChallenger" | "approvePromotion" | "declinePromotion";

/** Options as they are sent: times as numbers. @throws DethroneError `settings_invalid` */
export function sendable<Options extends Pick<DraftOptions, "startsAt">>({ startsAt, ...options }: Options) {
  if (startsAt === undefined) return options;
  return { ...options, startsAtMs: startsAt === null ? null : timeMs("startsAt", startsAt) };
}

/** The half of a project that people use, over HTTP. */
export abstract class RemoteExperiments<Config> implements ProjectExperimentsApi<Config> {
  abstract readonly key: string;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Looks at the stored state again. */
  abstract refresh(): Promise<void>;

  /** Checks that requests may be made. @throws DethroneError `engine_closed`, `storage_unavailable` where switched off */
  protected abstract requireServer(): void;

  /**
   * Asks the server. Its answers are of the library's own types, which the contract describes for everyone else.
   *
   * @throws DethroneError what the server says; `server_unavailable`
   */
  protected async ask<T>(
    id: ClientRouteId,
    request: {
      readonly params?: Record<string, string>;
      readonly query?: unknown;
      readonly body?: unknown;
    } = {},
  ): Promise<T> {
    this.requireServer();
    const params = { project: this.key, ...request.params };
    const sent = { ...request, params } as RouteRequest<ClientRouteId>;
    return (await this.#transport.call(id, sent)) as unknown as T;
  }

  /** Asks for a change and looks at the stored state at once: this process must not serve what it has just ended. */
  protected async change<T>(...asked: Parameters<RemoteExperiments<Config>["ask"]>): Promise<T> {
    const answer = await this.ask<T>(...asked);
    await this.refresh();
    return answer;
  }

  #verb(id: VerbId, body: ByHand): Promise<void> {
    return this.#done(id, { params: { experiment: CURRENT }, body });
  }

  async #done(...asked: Parameters<RemoteExperiments<Config>["ask"]>): Promise<void> {
    await this.change(...asked);
  }

  edit(experiment: string, changes: EditInput): Promise<ExperimentSummary> {
    return this.change("editExperiment", { params: { experiment }, body: sendable(changes) });
  }

  start(experiment: string, byHand: ByHand): Promise<ExperimentSummary> {
    return this.change("startExperiment", { params: { experiment }, body: byHand });
  }

  pause(byHand: ByHand): Promise<void> {
    return this.#verb("pauseExperiment", byHand);
  }

  resume(byHand: ByHand): Promise<void> {
    return this.#verb("resumeExperiment", byHand);
  }

  revise(input: RevisionInput): Promise<void> {
    return this.#verb("reviseExperiment", input);
  }

  drop(input: OfChallenger): Promise<void> {
    return this.#verb("dropChallenger", input);
  }

  abort(input: EndExperimentInput): Promise<void> {
    return this.#end("abortExperiment", input);
  }

  promote(input: EndExperimentInput): Promise<void> {
    return this.#end("promoteChallenger", input);
  }

  approve(input: EndExperimentInput): Promise<void> {
    return this.#end("approvePromotion", input);
  }

  decline(input: EndExperimentInput): Promise<void> {
    return this.#end("declinePromotion", input);
  }

  #end(id: EndingId, { experiment = CURRENT, ...body }: EndExperimentInput): Promise<void> {
    return this.#done(id, { params: { experiment }, body });
  }

  async rollback(input: RollbackInput): Promise<Config> {
    const { champion } = await this.change<{ champion: Config }>("rollback", { body: input });
    return champion;
  }

  archive(experiment: string, byHand: ByHand): Promise<void> {
    return this.#done("archiveExperiment", { params: { experiment }, body: byHand });
  }

  override(unit: string, arm: string | number | null, byHand: ByHand): Promise<void> {
    return this.#done("setOverride", { params: { unit }, body: { ...byHand, arm } });
  }

  async overrides(): Promise<readonly Override[]> {
    return (await this.ask<{ overrides: Override[] }>("listOverrides")).overrides;
  }

  queue(): Promise<ProjectQueue> {
    return this.ask("getQueue");
  }

  move(experiment: string, place: number | null, byHand: ByHand): Promise<void> {
    return this.#done("moveInQueue", { params: { experiment }, body: { ...byHand, place } });
  }

  budget(limit: number | null, input: BudgetInput): Promise<void> {
    return this.#done("setBudget", { body: { ...input, limit } });
  }

  evaluations(filter: ProjectEvaluationFilter = {}): Promise<EvaluationPage> {
    return this.ask("listEvaluations", { query: { ...filter, project: this.key } });
  }

  holdout(share: number, byHand: ByHand): Promise<void> {
    return this.#done("setHoldout", { body: { ...byHand, share } });
  }

  evaluate(which: OfExperiment = {}): Promise<Evaluation | null> {
    return this.#ofExperiment("getEvaluation", which);
  }

  report({ by, ...which }: ReportOptions = {}): Promise<ExperimentReport | null> {
    return this.#ofExperiment("getReport", which, by === undefined ? {} : { by });
  }

  trajectory(which: OfExperiment = {}): Promise<Trajectory | null> {
    return this.#ofExperiment("getTrajectory", which);
  }

  async #ofExperiment<T>(
    id: "getEvaluation" | "getReport" | "getTrajectory",
    { experiment = CURRENT }: OfExperiment,
    query: Readonly<Record<string, string>> = {},
  ): Promise<T | null> {
    try {
      return await this.ask<T>(id, { params: { experiment }, query });
    } catch (error) {
      const isNone = isDethroneError(error) && error.code === "experiment_not_found";
      if (isNone && experiment === CURRENT) return null;
      throw error;
    }
  }

  async experiments({ archived }: ExperimentFilter = {}): Promise<readonly ExperimentSummary[]> {
    const query = archived === undefined ? {} : { archived: String(archived) };
    return (await this.ask<{ experiments: ExperimentSummary[] }>("listExperiments", { query })).experiments;
  }

  async configs(): Promise<readonly ConfigEntry[]> {
    return (await this.ask<{ configs: ConfigEntry[] }>("listConfigs")).configs;
  }

  async diff(before: string, after: string): Promise<readonly ConfigChange[]> {
    return (await this.ask<{ changes: ConfigChange[] }>("diffConfigs", { query: { before, after } })).changes;
  }

  label(config: string, label: string | null, byHand: ByHand): Promise<void> {
    return this.#done("labelConfig", { params: { config }, body: { ...byHand, label } });
  }

  async history(limit = HISTORY_LIMIT): Promise<readonly StoredAuditEntry[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new DethroneError(
        "input_invalid",
        `limit must be a whole number above 0; received ${String(limit)}.`,
        { field: "limit", received: received(limit) },
      );
    }
    const entries: StoredAuditEntry[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: Math.min(PAGE_MAX, limit - entries.length), cursor };
      const page: HistoryPage = await this.ask("getHistory", { query });
      for (const { experiment, project: _project, ...entry } of page.entries)
        entries.push({ ...entry, experimentUid: experiment });
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && entries.length < limit);
    return entries;
  }
}

interface HistoryPage {
  readonly entries: readonly (Omit<StoredAuditEntry, "experimentUid"> & {
    readonly project: string;
    readonly experiment: string | null;
  })[];
  readonly nextCursor: string | null;
}

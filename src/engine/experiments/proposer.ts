/**
 * The proposer of a project: a function of the host that is asked for the next challenger when nothing runs and nothing
 * waits.
 *
 * It is asked by the ticks of a process that has it, in the background: it may take its time without holding up the
 * decisions of other projects, and whatever it does breaks no tick. What it proposes is checked like any challenge, and
 * refused where it reigns or has contended before: a proposer that repeats itself must not spend the budget again.
 */
import type { Reason, Verdict } from "../../core/decision/decide.js";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { type EngineContext, within } from "../context.js";
import { checkedFunction } from "../host-settings.js";
import type { ProjectState, Store, StoredExperiment } from "../ports.js";
import { challengersOf } from "./arms.js";
import { budgetRefusal } from "./budget.js";
import { challenge, newestId } from "./challenge.js";
import { type ChallengeOptions, type ChallengePlan, planChallenge } from "./challenge-plan.js";
import { requireProject } from "./lookup.js";
import { queueOf } from "./queue-order.js";

/** How a challenger did that has contended. */
export interface PastChallenger {
  /** id of the experiment */
  readonly experiment: string;
  /** its hash, and the config itself */
  readonly hash: string;
  readonly config: JsonObject;
  readonly label: string | null;
  /** hash of the champion it contended against */
  readonly champion: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** units folded, all arms together */
  readonly sessionCount: number;
  readonly probabilityBetter: number;
  /** posterior mean of challenger minus champion */
  readonly upliftMean: number;
  readonly endedAtMs: number;
}

/** How what a proposer proposes is to contend. Each is another config, so a label and a reason to repeat are none of it. */
export type ProposedOptions = Omit<ChallengeOptions, "label" | "again" | "queue">;

/** What a proposer is told. */
export interface ProposerInput<Config = JsonObject> {
  readonly project: string;
  readonly champion: Config;
  readonly championHash: string;
  /** the challengers of the newest 50 contests that have ended, newest first */
  readonly history: readonly PastChallenger[];
  /** aborted when its time is over, or the engine closes */
  readonly abortSignal: AbortSignal;
}

/** Proposes the next challenger; null or undefined for none now. */
export type Proposer<Config = JsonObject> = (
  input: ProposerInput<Config>,
) => Config | null | undefined | Promise<Config | null | undefined>;

/** The proposer of a project, checked. @throws DethroneError as a challenge with its options does */
export function proposerOf(options: {
  readonly proposer?: unknown;
  readonly proposed?: ProposedOptions | undefined;
}): { readonly propose: Proposer<unknown> | undefined; readonly proposed: ProposedOptions } {
  const { proposer, proposed = {} } = options;
  const propose = checkedFunction("proposer", proposer) as Proposer<unknown> | undefined;
  const shared = ["label", "again", "queue"].find((name) => Object.hasOwn(proposed, name));
  if (shared !== undefined) {
    throw new DethroneError(
      "settings_invalid",
      `proposed cannot have '${shared}': each config that is proposed is another one, and none repeats a contest.`,
      { field: `proposed.${shared}` },
    );
  }
  // Told at once, and not by each tick. Any config will do: what is proposed is checked when it is.
  planChallenge({}, proposed);
  return { propose, proposed };
}

/** What asking a proposer takes. */
export interface ProposalsSettings {
  readonly key: string;
  readonly propose: Proposer<unknown>;
  /** how what it proposes is to contend */
  readonly options: ProposedOptions;
  /** the champion as the host's code knows it */
  readonly championOf: (state: ProjectState) => Promise<unknown>;
  /** a config as a challenge, checked */
  readonly planOf: (
    config: unknown,
    options: ChallengeOptions,
    state: ProjectState,
  ) => Promise<ChallengePlan>;
  /** looks at the project again */
  readonly refresh: () => Promise<void>;
}

/** How long a proposer may take. */
const PATIENCE_MS = 300_000;
/** How long after an answer that started nothing it is asked again, while nothing else has happened. */
const PAUSE_MS = 3_600_000;
const HISTORY_MAX = 50;
const ACTOR = "proposer";
const NOTHING = Symbol("nothing in time");

/** The challengers of contests that have ended, newest first. */
async function historyOf(store: Store, experiments: readonly StoredExperiment[]): Promise<PastChallenger[]> {
  const ended = experiments.filter(
    ({ kind, startedAtMs, endedAtMs }) => kind === "contest" && startedAtMs !== null && endedAtMs !== null,
  );
  const past = await Promise.all(ended.slice(0, HISTORY_MAX).map((each) => challengersIn(store, each)));
  return past.flat();
}

async function challengersIn(store: Store, experiment: StoredExperiment): Promise<PastChallenger[]> {
  const decision = (await store.decisions({ experimentId: experiment.id })).find(
    ({ isTerminal }) => isTerminal,
  );
  if (!decision) return [];
  const { verdict, reason, sessionCount, evaluation } = decision;
  const comparisons = [evaluation, ...(evaluation.others ?? [])];
  return challengersOf(experiment).map(({ config, label }, j) => {
    const comparison = comparisons.find(({ arm }) => arm === j + 1) ?? evaluation;
    return {
      experiment: experiment.uid,
      hash: config.hash,
      config: config.body,
      label,
      champion: experiment.champion.hash,
      verdict,
      reason,
      sessionCount,
      probabilityBetter: comparison.probabilityBetter,
      upliftMean: comparison.upliftMean,
      endedAtMs: experiment.endedAtMs as number,
    };
  });
}

/** Asks the proposer of one project, one time after the other. */
export class Proposals {
  readonly #context: EngineContext;
  readonly #settings: ProposalsSettings;
  readonly #abort = new AbortController();
  #holder: string | null = null;
  #asking: Promise<void> | null = null;
  /** what the project was like when it was asked last, and when that was */
  #last: { readonly mark: string; readonly atMs: number } | null = null;

  constructor(context: EngineContext, settings: ProposalsSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** Asks in the background, unless it is being asked. */
  ask(store: Store): void {
    if (this.#asking || this.#abort.signal.aborted) return;
    this.#asking = this.#ask(store)
      .catch((error: unknown) =>
        this.#fail("a proposer could not be asked; the next tick tries again", error),
      )
      .finally(() => {
        this.#asking = null;
      });
    this.#context.inBackground(this.#asking);
  }

  /** Resolves when nothing is being asked. */
  async settle(): Promise<void> {
    await this.#asking;
  }

  /** Asks no more, and tells the proposer that is at work. */
  stop(): void {
    this.#abort.abort();
  }

  #fail(message: string, error: unknown): void {
    this.#context.fail(null, message, error, { project: this.#settings.key });
  }

  async #ask(store: Store): Promise<void> {
    const { key, options } = this.#settings;
    const nowMs = this.#context.clock.now();
    const state = await requireProject(store, key);
    const experiments = await store.experiments(key);
    if (state.experiment || queueOf(experiments).length > 0) return;
    const mark = `${state.champion.hash} ${newestId(experiments)}`;
    if (this.#last?.mark === mark && nowMs < this.#last.atMs + PAUSE_MS) return;
    const refusal = await budgetRefusal(store, state, planChallenge({}, options), nowMs);
    if (refusal) return this.#fail("a proposer is not asked: nothing could start", refusal);
    this.#holder ??= this.#context.ids.next();
    const lease = { name: `proposer ${key}`, holder: this.#holder };
    if (!(await store.takeLease({ ...lease, nowMs, ttlMs: PATIENCE_MS }))) return;
    try {
      this.#last = { mark, atMs: nowMs };
      const config = await this.#proposed(state, await historyOf(store, experiments));
      if (config !== null && !this.#abort.signal.aborted) await this.#challenge(store, config);
    } finally {
      await store.releaseLease(lease);
    }
  }

  /** What the proposer says, in time; null for none. */
  async #proposed(state: ProjectState, history: readonly PastChallenger[]): Promise<unknown> {
    const { key, propose, championOf } = this.#settings;
    const late = new AbortController();
    const abortSignal = AbortSignal.any([this.#abort.signal, late.signal]);
    try {
      const champion = await championOf(state);
      const input = { project: key, champion, championHash: state.champion.hash, history, abortSignal };
      const asked = Promise.resolve(propose(input));
      const config = await within(this.#context.clock, PATIENCE_MS, asked, NOTHING);
      if (config !== NOTHING) return config ?? null;
      this.#fail("a proposer took too long", new Error(`no answer within ${PATIENCE_MS / 1000} s`));
    } catch (error) {
      this.#context.fail("callbacksFailed", "a proposer failed", error, { project: key });
    } finally {
      late.abort();
    }
    return null;
  }

  async #challenge(store: Store, config: unknown): Promise<void> {
    const { key, options, planOf, refresh } = this.#settings;
    try {
      const { status, experiment } = await challenge(this.#context, store, key, async (state) => {
        const plan = await planOf(config, { actor: ACTOR, ...options, queue: false }, state);
        refuseRepeated(plan, state, await store.experiments(key));
        return plan;
      });
      this.#context.logger.info(
        { project: key, experiment: experiment?.uid ?? null, status },
        "a challenger was proposed",
      );
      await refresh();
    } catch (error) {
      this.#fail("what a proposer proposed is refused", error);
    }
  }
}

/** @throws DethroneError `config_invalid` where a config reigns, or has contended */
function refuseRepeated(
  { challengers }: ChallengePlan,
  { champion }: ProjectState,
  experiments: readonly StoredExperiment[],
): void {
  const started = experiments.filter(({ startedAtMs }) => startedAtMs !== null);
  for (const { hash } of challengers.map(({ config }) => config)) {
    const before = started.find((each) => each.arms.some((arm) => arm.config.hash === hash));
    if (hash !== champion.hash && !before) continue;
    const why = hash === champion.hash ? "is the champion" : `was in experiment ${before?.uid} already`;
    throw new DethroneError(
      "config_invalid",
      `The proposed config ${hash.slice(0, 10)} ${why}; what has been tried is in the proposer's 'history'.`,
      { received: hash },
    );
  }
}

/**
 * `dethrone`: promotes better AI agent configs, with proof.
 */
import { DethroneError, received } from "./core/errors.js";
import type { PrivacyGuard } from "./engine/configs/privacy.js";
import { Engine } from "./engine/engine.js";
import { consoleLogger, randomIds, safeLogger, systemClock } from "./engine/environment.js";
import type { DecisionEvent } from "./engine/experiments/decision-event.js";
import { checkedFunction, checkedSinks, positive } from "./engine/host-settings.js";
import { isSwitchedOff } from "./engine/platform.js";
import type { Logger } from "./engine/ports.js";
import type { ExposureSink } from "./engine/sessions/exposures.js";
import { closeAtEnd, END_SIGNALS, type EndSignal } from "./process-end.js";
import { ChampionsFile } from "./store/champions-file.js";
import { locate } from "./store/location.js";
import { Spool } from "./store/spool/spool.js";
import { openSqlStore } from "./store/store.js";
import { VERSION } from "./version.js";

/** Settings of an engine. */
export interface EngineOptions {
  /** a path or `file:` URL, `:memory:` (a temporary file), `postgres://`, or a libSQL server's `libsql://` or `https://`; default `file:dethrone.db` */
  readonly url?: string;
  /** lets in at the server of a remote `url`; default `$DETHRONE_AUTH_TOKEN` */
  readonly authToken?: string;
  /** the URL of a server whose database the file `url` is a replica of */
  readonly syncUrl?: string;
  /** anything with `debug`, `info`, `warn` and `error(fields, message)`, such as pino; default: standard error */
  readonly logger?: Logger;
  /** reject where the database cannot be opened, instead of starting on the code's champion; default false */
  readonly strict?: boolean;
  /** how often, in milliseconds, other processes' promotions are looked for; default 5000 */
  readonly refreshMs?: number;
  /** longest wait, in milliseconds, for the database when a session has a unit or an id; default 250 */
  readonly patienceMs?: number;
  /** told of each assignment of a session to an arm, for analytics of your own; default none */
  readonly exposures?: readonly ExposureSink[];
  /** told of each decision that this process makes; whatever it throws is counted and goes no further */
  readonly onDecision?: (decision: DecisionEvent) => void | Promise<void>;
  /**
   * What an acknowledged write has survived. `full`, the default: the end of the process, kill -9 included, and a loss of
   * power. `relaxed` is faster where few sessions are written at a time, and risks this: a loss of power or a crash of the
   * operating system may take the last commits back (never a part of one, and the database stays whole); the end of the
   * process takes nothing.
   */
  readonly durability?: "full" | "relaxed";
  /** refuses texts that must not be stored, in contexts, signals and configs; `codeGuard` refuses source code */
  readonly guard?: PrivacyGuard;
  /**
   * Signals at which the engine closes, before they end the process as they would have; a second one ends it at once.
   * Default: none, for signals are the host's. A host with a handler of its own closes the engine in that instead.
   */
  readonly closeOn?: readonly EndSignal[];
}

const DEFAULT_URL = "file:dethrone.db";

function checkedDurability(value: unknown): "full" | "relaxed" {
  if (value === undefined || value === "full") return "full";
  if (value === "relaxed") return value;
  throw new DethroneError(
    "settings_invalid",
    `durability must be full or relaxed; received ${String(value)}.`,
    {
      field: "durability",
      received: received(value),
      allowed: ["full", "relaxed"],
    },
  );
}

function checkedSignals(signals: unknown): readonly EndSignal[] {
  if (signals === undefined) return [];
  if (Array.isArray(signals) && signals.every((each) => END_SIGNALS.includes(each))) return signals;
  throw new DethroneError(
    "settings_invalid",
    `closeOn must be a list of ${END_SIGNALS.join(", ")}; received ${String(signals)}.`,
    { field: "closeOn", received: received(signals), allowed: [...END_SIGNALS] },
  );
}

/**
 * Opens an engine.
 *
 * Rejects for invalid settings alone. Where the database cannot be opened the engine starts degraded: agents run on the
 * last known champion, kept in `<database>.champions.json`, or else on that of the code, and the database is tried again in the background (`strict: true` rejects instead). With the
 * environment variable DETHRONE=off every session gets the champion and nothing is read or written.
 *
 * An engine that is still open when nothing is left to do in the process closes itself.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const engine = await createEngine({ url: "file:dethrone.db" });
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const isOff = isSwitchedOff();
  const location = isOff ? null : locate(options.url ?? DEFAULT_URL, options);
  const beside = location?.beside ?? null;
  const spool = beside === null ? undefined : new Spool(beside);
  const durability = checkedDurability(options.durability);
  const signals = checkedSignals(options.closeOn);
  let letGo = (): void => undefined;
  const engine = await Engine.start({
    clock: systemClock,
    ids: randomIds,
    logger: safeLogger(options.logger ?? consoleLogger),
    champions: beside === null ? undefined : new ChampionsFile(beside),
    openStore: (events) =>
      openSqlStore(location ?? locate(DEFAULT_URL), { mustExist: false, spool, durability, ...events }),
    isOff,
    isStrict: options.strict ?? false,
    refreshMs: positive("refreshMs", options.refreshMs, 5000),
    patienceMs: positive("patienceMs", options.patienceMs, 250),
    version: VERSION,
    exposures: checkedSinks(options.exposures),
    onDecision: checkedFunction("onDecision", options.onDecision),
    guard: checkedFunction("guard", options.guard),
    onClosed: () => letGo(),
  });
  letGo = closeAtEnd(() => engine.close(), signals);
  return engine;
}

export type { Breakdown } from "./core/decision/breakdown.js";
export type { Reason, Verdict } from "./core/decision/decide.js";
export type { ArmEvaluation, Evaluation } from "./core/decision/evaluation.js";
export type { ExperimentStatus } from "./core/decision/life-cycle.js";
export type { Policy, PolicyInput } from "./core/decision/policy.js";
export type { ShareRule, ShareRuleInput } from "./core/decision/share-rule.js";
export type {
  Trajectory,
  TrajectoryArm,
  TrajectoryComparison,
  TrajectoryPoint,
} from "./core/decision/trajectory.js";
export {
  DethroneError,
  type ErrorCode,
  type ErrorKind,
  isDethroneError,
  type Json,
  type JsonObject,
} from "./core/errors.js";
export type { Assign, AssignInput } from "./core/sessions/assign.js";
export type { StudyNumbers } from "./core/studies/study.js";
export type { KeyInput, KeySummary, NewKey, Principal } from "./engine/access/keys.js";
export type { ConfigChange } from "./engine/configs/diff.js";
export type { ConfigEntry, ConfigReign } from "./engine/configs/lineage.js";
export { codeGuard, type PrivacyGuard } from "./engine/configs/privacy.js";
export type { Health } from "./engine/context.js";
export type {
  DecideOptions,
  Engine,
  ProjectOptions,
  Schedule,
  ScheduleOptions,
  SchemaProjectOptions,
} from "./engine/engine.js";
export type {
  DecisionFilter,
  DecisionPage,
  HistoryPage,
  PageInput,
  ProjectOverview,
  Within,
} from "./engine/engine-desk.js";
export type { ByHand } from "./engine/experiments/audit.js";
export type { BudgetInput } from "./engine/experiments/budget.js";
export type { EndExperimentInput, OfChallenger, RevisionInput } from "./engine/experiments/by-hand.js";
export type { ChallengeOptions } from "./engine/experiments/challenge-plan.js";
export type { RollbackInput } from "./engine/experiments/champions.js";
export type { DecisionEvent } from "./engine/experiments/decision-event.js";
export type { Forecast } from "./engine/experiments/detect.js";
export type { DraftOptions, EditInput } from "./engine/experiments/drafts.js";
export type {
  EvaluationFilter,
  EvaluationPage,
  ProjectEvaluationFilter,
} from "./engine/experiments/evaluations.js";
export type { ExperimentSummary } from "./engine/experiments/experiment-summary.js";
export type { Alarm, ProjectSummary, Standing } from "./engine/experiments/overview.js";
export type {
  PastChallenger,
  ProposedOptions,
  Proposer,
  ProposerInput,
} from "./engine/experiments/proposer.js";
export type { ProjectQueue } from "./engine/experiments/queue.js";
export type { ArmSessions, ExperimentReport } from "./engine/experiments/report.js";
export type { TickResult } from "./engine/experiments/tick.js";
export type { Verification } from "./engine/experiments/verify.js";
export type { ImportFormat } from "./engine/imports/formats.js";
export type { ImportOptions, ImportResult } from "./engine/imports/import-sessions.js";
export type { Mapping } from "./engine/imports/mapping.js";
export type {
  Audience,
  DecisionHead,
  EndReceipt,
  EventEntry,
  FoundSession,
  FoundSignal,
  Logger,
  Override,
  Scope,
  SignalReceipt,
  StoredAuditEntry,
  StoredDecision,
  StoredDelivery,
  StoredEvaluation,
  Watch,
} from "./engine/ports.js";
export type { BackupFile } from "./engine/ports-upkeep.js";
export type { ChallengeResult, Project } from "./engine/project.js";
export { fromBaggage, type ParentSession, toBaggage } from "./engine/sessions/baggage.js";
export { currentSession } from "./engine/sessions/current-session.js";
export {
  callbackSink,
  type Exposure,
  type ExposureSink,
  logSink,
  noopSink,
  type RecordingSink,
  recordingSink,
} from "./engine/sessions/exposures.js";
export type { Operation, OperationResult, PlacedSession } from "./engine/sessions/operations.js";
export type { SessionDetail, SessionFilter, SessionPage } from "./engine/sessions/search.js";
export type { EndInput, Receipt, Session, SignalInput } from "./engine/sessions/session.js";
export type { SessionOptions, SessionParent } from "./engine/sessions/session-options.js";
export type { ProjectSnapshot } from "./engine/sessions/snapshot.js";
export type { ArgsOf, Runner, WrapOptions, Wrapped } from "./engine/sessions/wrap.js";
export type {
  StudyReport,
  StudyReportOptions,
  StudySummary,
  TagInput,
  TagReceipt,
} from "./engine/studies/studies.js";
export type { StudyInput } from "./engine/studies/study-input.js";
export type { TransferResult } from "./engine/transfer/fill.js";
export type { OpenFile } from "./engine/transfer/lines.js";
export type { RecordKind, RecordsOptions } from "./engine/transfer/records.js";
export type { TransferOptions, Transfers } from "./engine/transfer/transfers.js";
export type { DoctorOptions, DoctorReport } from "./engine/upkeep/doctor.js";
export type { Finding, Severity } from "./engine/upkeep/findings.js";
export type { ForgetOptions, ForgetResult } from "./engine/upkeep/forget.js";
export type { PruneOptions, PruneResult } from "./engine/upkeep/prune.js";
export type { CourierRound } from "./engine/webhooks/courier.js";
export type { CloudEvent } from "./engine/webhooks/message.js";
export type { Posted } from "./engine/webhooks/post.js";
export type {
  DeliveryFilter,
  DeliveryPage,
  NewWebhook,
  WebhookInput,
  WebhookSummary,
} from "./engine/webhooks/webhooks.js";
export type { FileSettings } from "./file-settings.js";
export { type GitAncestryOptions, gitAncestry } from "./git-ancestry.js";
export {
  type PriceTable,
  type RecordUsage,
  type TokenPrice,
  usageRecorder,
} from "./integrations/token-usage.js";
export type { EndSignal } from "./process-end.js";

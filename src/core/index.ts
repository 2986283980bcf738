/**
 * `dethrone/core`: the pure statistics and decision functions, usable alone.
 */

export { type Budget, type BudgetTerms, budgetOf, fitsBudget, type StartedTest } from "./decision/budget.js";
export { type DecisionFacts, decide, type Reason, type Ruling, type Verdict } from "./decision/decide.js";
export {
  type ArmEvaluation,
  type ArmOutline,
  type Comparison,
  type Contest,
  type Evaluation,
  type EvaluationOutline,
  evaluate,
  type GuardrailEvaluation,
  outlineOf,
} from "./decision/evaluation.js";
export {
  type ArmSummary,
  type Evidence,
  emptyEvidence,
  type FoldInput,
  Folding,
  fold,
  type Role,
  srmLogE,
} from "./decision/evidence.js";
export { explain } from "./decision/explain.js";
export { fuseBlown, type LiveCount } from "./decision/fuse.js";
export {
  eLondLevel,
  type Ledger,
  type LedgerEntry,
  ledgerOf,
  type StreamPosition,
} from "./decision/ledger.js";
export { type ExperimentAction, type ExperimentStatus, nextStatus } from "./decision/life-cycle.js";
export type { MetricArm, MetricEvaluation, PerSuccess } from "./decision/metric-evaluation.js";
export {
  createPolicy,
  DEFAULT_POLICY,
  type FusePolicy,
  type GuardrailInput,
  type MetricPolicy,
  type Policy,
  type PolicyInput,
  type ScoringPolicy,
} from "./decision/policy.js";
export { type BetaPosterior, phi, posteriors } from "./decision/posterior.js";
export { type ReviewPoint, type ReviewReason, reviewPoints } from "./decision/review.js";
export {
  createShareRule,
  nextShares,
  type RampStep,
  type ShareRule,
  type ShareRuleInput,
} from "./decision/share-rule.js";
export type { Terms } from "./decision/terms.js";
export {
  type Trajectory,
  type TrajectoryArm,
  type TrajectoryComparison,
  type TrajectoryInput,
  type TrajectoryPoint,
  type TrajectoryUnit,
  trajectoryOf,
} from "./decision/trajectory.js";
export {
  DethroneError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorKind,
  isDethroneError,
  type Json,
  type JsonObject,
} from "./errors.js";
export { golden } from "./golden.js";
export { betaCdf, betaHdi, betaInterval, betaPdf, betaQuantile, betaSf } from "./numeric/beta.js";
export { expectedLoss, probGreater } from "./numeric/beta-compare.js";
export { diffInterval, probGreaterBy } from "./numeric/beta-difference.js";
export { liftInterval, probRatioGreater } from "./numeric/beta-ratio.js";
export {
  type GammaPair,
  gammaExpectedLoss,
  gammaProbGreater,
  gammaQuantile,
  gammaRatioInterval,
} from "./numeric/gamma.js";
export { lognormalMeanProbGreater } from "./numeric/lognormal-mean.js";
export { normalCdf, normalQuantile } from "./numeric/normal.js";
export {
  type NormalInverseGamma,
  type NormalInverseGammaPair,
  nigDiffInterval,
  nigExpectedLoss,
  nigPosterior,
  nigProbGreater,
} from "./numeric/normal-inverse-gamma.js";
export { studentTCdf } from "./numeric/student-t.js";
export { createRandom, type Random, shuffled } from "./random.js";
export { confidenceSequence } from "./sequential/confidence-sequence.js";
export {
  type EProcessPlan,
  type EProcessState,
  eProcess,
  hasCrossed,
  startEProcess,
  stepEProcess,
} from "./sequential/e-process.js";
export type { Guardrail, MetricKind } from "./sequential/guardrail.js";
export { chanceOfPromotion, predictivePromotion } from "./sequential/promotion-chance.js";
export { srmChiSquare, srmSequentialLogE } from "./sequential/srm.js";
export { upliftEstimate } from "./sequential/uplift-estimate.js";
export {
  armOf,
  bucketCountOf,
  bucketOf,
  HASH_VERSION,
  type HashVersion,
  shareOf,
} from "./sessions/assignment.js";
export { type MetricValues, metricValues } from "./sessions/metric.js";
export {
  type ScoringSignal,
  type Settlement,
  type SignalKind,
  scoreSignals,
  settle,
} from "./sessions/score.js";
export {
  createPlan,
  type Plan,
  type PlanInput,
  type PlanRow,
  type PlanSettings,
  planOf,
  planSimulations,
} from "./simulation/plan.js";
export {
  type Design,
  horizonFor,
  type PowerGoal,
  powerOf,
  shareFor,
  smallestEffect,
} from "./simulation/planning.js";
export {
  createSimulation,
  type SimulatedRuns,
  type Simulation,
  type SimulationInput,
  simulateRuns,
} from "./simulation/simulate.js";
export type { ByArm, Delay, Outcomes } from "./simulation/simulated-sessions.js";
export { type SimulationSummary, summarise } from "./simulation/simulation-summary.js";

/**
 * `dethrone/core`: the pure statistics and decision functions, usable alone.
 */
export { armOf, bucketCountOf, bucketOf, HASH_VERSION, type HashVersion, shareOf } from "./assignment.js";
export { betaCdf, betaHdi, betaInterval, betaPdf, betaQuantile, betaSf } from "./beta.js";
export { expectedLoss, probGreater } from "./beta-compare.js";
export { diffInterval, probGreaterBy } from "./beta-difference.js";
export { liftInterval, probRatioGreater } from "./beta-ratio.js";
export { confidenceSequence } from "./confidence-sequence.js";
export { type DecisionFacts, decide, type Reason, type Ruling, type Verdict } from "./decide.js";
export {
  type EProcessPlan,
  type EProcessState,
  eProcess,
  hasCrossed,
  startEProcess,
  stepEProcess,
} from "./e-process.js";
export {
  DethroneError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorKind,
  isDethroneError,
  type Json,
  type JsonObject,
} from "./errors.js";
export {
  type ArmEvaluation,
  type Comparison,
  type Evaluation,
  evaluate,
  type GuardrailEvaluation,
} from "./evaluation.js";
export {
  type ArmSummary,
  type Evidence,
  emptyEvidence,
  type FoldInput,
  Folding,
  fold,
  type Role,
  srmLogE,
} from "./evidence.js";
export { explain } from "./explain.js";
export { fuseBlown, type LiveCount } from "./fuse.js";
export {
  type GammaPair,
  gammaExpectedLoss,
  gammaProbGreater,
  gammaQuantile,
  gammaRatioInterval,
} from "./gamma.js";
export { golden } from "./golden.js";
export type { Guardrail, MetricKind } from "./guardrail.js";
export { eLondLevel, type Ledger, type LedgerEntry, ledgerOf, type StreamPosition } from "./ledger.js";
export { type ExperimentAction, type ExperimentStatus, nextStatus } from "./life-cycle.js";
export { lognormalMeanProbGreater } from "./lognormal-mean.js";
export { type MetricValues, metricValues } from "./metric.js";
export type { MetricArm, MetricEvaluation, PerSuccess } from "./metric-evaluation.js";
export { normalCdf, normalQuantile } from "./normal.js";
export {
  type NormalInverseGamma,
  type NormalInverseGammaPair,
  nigDiffInterval,
  nigExpectedLoss,
  nigPosterior,
  nigProbGreater,
} from "./normal-inverse-gamma.js";
export {
  createPlan,
  type Plan,
  type PlanInput,
  type PlanRow,
  type PlanSettings,
  planOf,
  planSimulations,
} from "./plan.js";
export { type Design, horizonFor, type PowerGoal, powerOf, shareFor, smallestEffect } from "./planning.js";
export {
  createPolicy,
  DEFAULT_POLICY,
  type FusePolicy,
  type GuardrailInput,
  type MetricPolicy,
  type Policy,
  type PolicyInput,
  type ScoringPolicy,
} from "./policy.js";
export { type BetaPosterior, phi, posteriors } from "./posterior.js";
export { chanceOfPromotion, predictivePromotion } from "./promotion-chance.js";
export { createRandom, type Random, shuffled } from "./random.js";
export { type ScoringSignal, type Settlement, type SignalKind, scoreSignals, settle } from "./score.js";
export {
  createShareRule,
  nextShares,
  type RampStep,
  type ShareRule,
  type ShareRuleInput,
} from "./share-rule.js";
export {
  createSimulation,
  type SimulatedRuns,
  type Simulation,
  type SimulationInput,
  simulateRuns,
} from "./simulate.js";
export type { ByArm, Delay, Outcomes } from "./simulated-sessions.js";
export { type SimulationSummary, summarise } from "./simulation-summary.js";
export { srmChiSquare, srmSequentialLogE } from "./srm.js";
export { studentTCdf } from "./student-t.js";
export type { Terms } from "./terms.js";
export { upliftEstimate } from "./uplift-estimate.js";

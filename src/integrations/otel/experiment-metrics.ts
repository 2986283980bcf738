/**
 * The state of an engine and its experiments as metrics: looked at when they are collected, and not before.
 */
import type { Attributes, BatchObservableResult, Counter, Meter, Observable } from "@opentelemetry/api";
import type { Comparison, Evaluation } from "../../core/decision/evaluation.js";
import type { Health } from "../../engine/context.js";
import type { DecisionEvent } from "../../engine/experiments/decision-event.js";
import type { FailureLog } from "../../engine/failure-log.js";
import type { Project } from "../../engine/project.js";
import { RecentMap } from "../../engine/recent-map.js";
import type { Exposure } from "../../engine/sessions/exposures.js";
import { armName } from "../arm-name.js";

/** What is observed of an engine. */
export interface ObservedEngine {
  health(): Pick<Health, "queueLength" | "spool" | FailureCounter>;
}

/** What is observed of a project. */
export type ObservedProject = Pick<Project, "key" | "experiment" | "evaluate">;

type FailureCounter = "sessionsDropped" | "writesFailed" | "callbacksFailed" | "listenersFailed";

/** By the value of `dethrone.failure`. */
const FAILURES: Readonly<Record<string, FailureCounter>> = {
  session_dropped: "sessionsDropped",
  write_failed: "writesFailed",
  callback_failed: "callbacksFailed",
  listener_failed: "listenersFailed",
};

/** Arms whose sessions are counted: of the experiments that have been served last. */
const ARMS_MAX = 1000;

interface ArmCount {
  readonly attributes: Attributes;
  count: number;
}

function instrumentsOf(meter: Meter) {
  const gauge = (name: string, description: string, unit = "1") =>
    meter.createObservableGauge(`dethrone.${name}`, { description, unit });
  const counter = (name: string, description: string, unit: string) =>
    meter.createObservableCounter(`dethrone.${name}`, { description, unit });
  return {
    sessions: counter("sessions", "Sessions that this process gave an arm", "{session}"),
    units: gauge("units", "Units folded, by arm", "{unit}"),
    score: gauge("score.mean", "Posterior mean of the success rate, by arm"),
    probability: gauge("probability_better", "Probability that the challenger is better, by challenger"),
    uplift: gauge("uplift.mean", "Challenger's posterior mean less the champion's, by challenger"),
    promote: gauge("evidence.promote", "Natural logarithm of the evidence for a promotion, by challenger"),
    harm: gauge("evidence.harm", "Natural logarithm of the evidence for harm, by challenger"),
    queue: gauge("queue.length", "Rows that wait to be written", "{row}"),
    spool: gauge("spool.length", "Rows kept beside the database while it is away", "{row}"),
    failures: counter("failures", "What could not be recorded or told, by kind", "{failure}"),
  };
}

/** The instruments, and what they count. */
export class ExperimentMetrics {
  readonly #meter: Meter;
  readonly #failures: FailureLog;
  readonly #instruments: ReturnType<typeof instrumentsOf>;
  readonly #decisions: Counter;
  readonly #arms = new RecentMap<string, ArmCount>(ARMS_MAX);

  constructor(meter: Meter, failures: FailureLog) {
    this.#meter = meter;
    this.#failures = failures;
    this.#instruments = instrumentsOf(meter);
    this.#instruments.sessions.addCallback((result) => {
      for (const [, { attributes, count }] of this.#arms.entries()) result.observe(count, attributes);
    });
    this.#decisions = meter.createCounter("dethrone.decisions", {
      description: "Decisions that this process made",
      unit: "{decision}",
    });
  }

  /** Counts a session. */
  count({ project, experiment, place }: Exposure): void {
    const arm = armName(place);
    const key = `${experiment} ${arm}`;
    const known = this.#arms.get(key);
    if (known) known.count += 1;
    else this.#arms.set(key, { attributes: attributesOf(project, experiment, arm), count: 1 });
  }

  /** Counts a decision. */
  decided({ project, verdict, reason }: DecisionEvent): void {
    const attributes = {
      "dethrone.project": project,
      "dethrone.verdict": verdict,
      "dethrone.reason": reason,
    };
    this.#decisions.add(1, attributes);
  }

  /** Observes whenever metrics are collected, until what it returns is called. */
  observe(engine: ObservedEngine, projects: readonly ObservedProject[]): () => void {
    const { sessions, ...observed } = this.#instruments;
    const instruments: Observable[] = Object.values(observed);
    const look = async (result: BatchObservableResult): Promise<void> => {
      this.#look(result, () => this.#observeHealth(result, engine.health()));
      await Promise.all(projects.map((project) => this.#observeProject(result, project)));
    };
    this.#meter.addBatchObservableCallback(look, instruments);
    return () => this.#meter.removeBatchObservableCallback(look, instruments);
  }

  #look(result: BatchObservableResult, look: (result: BatchObservableResult) => void): void {
    try {
      look(result);
    } catch (error) {
      this.#failures.note("metrics could not be observed", error);
    }
  }

  #observeHealth(result: BatchObservableResult, health: ReturnType<ObservedEngine["health"]>): void {
    const { queue, spool, failures } = this.#instruments;
    result.observe(queue, health.queueLength);
    result.observe(spool, health.spool.rows);
    for (const [failure, counter] of Object.entries(FAILURES)) {
      result.observe(failures, health[counter], { "dethrone.failure": failure });
    }
  }

  async #observeProject(result: BatchObservableResult, project: ObservedProject): Promise<void> {
    const { key, experiment } = project;
    if (experiment === null) return;
    try {
      const evaluation = await project.evaluate({ experiment });
      if (evaluation) this.#observeEvaluation(result, evaluation, key, experiment);
    } catch (error) {
      this.#failures.note("an experiment could not be observed", error, { project: key });
    }
  }

  #observeEvaluation(
    result: BatchObservableResult,
    evaluation: Evaluation,
    project: string,
    experiment: string,
  ): void {
    const { units, score } = this.#instruments;
    for (const { arm, sessionCount, mean } of evaluation.arms) {
      const attributes = attributesOf(project, experiment, armName(arm));
      result.observe(units, sessionCount, attributes);
      result.observe(score, mean, attributes);
    }
    for (const comparison of [evaluation, ...evaluation.others]) {
      this.#observeComparison(result, comparison, attributesOf(project, experiment, armName(comparison.arm)));
    }
  }

  #observeComparison(result: BatchObservableResult, comparison: Comparison, attributes: Attributes): void {
    const { probability, uplift, promote, harm } = this.#instruments;
    result.observe(probability, comparison.probabilityBetter, attributes);
    result.observe(uplift, comparison.upliftMean, attributes);
    result.observe(promote, comparison.logEPromote, attributes);
    result.observe(harm, comparison.logEHarm, attributes);
  }
}

function attributesOf(project: string, experiment: string, arm: string): Attributes {
  return { "dethrone.project": project, "dethrone.experiment": experiment, "dethrone.arm": arm };
}

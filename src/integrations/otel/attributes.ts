/**
 * Names of telemetry, and what they hold.
 *
 * `feature_flag.*` and `error.*` are those of the OpenTelemetry semantic conventions 1.45; `gen_ai.*` those of the
 * generative AI conventions as of the same release, in development. A project is the flag, its experiment the flag's
 * version, an arm the variant; a config is the version of the agent, a session its conversation. The rest is `dethrone.*`.
 */
import type { Attributes } from "@opentelemetry/api";
import type { DecisionEvent } from "../../engine/experiments/decision-event.js";
import type { Exposure } from "../../engine/sessions/exposures.js";
import type { Session } from "../../engine/sessions/session.js";
import { armName } from "../arm-name.js";

/** The event of an assignment. */
export const EVALUATION_EVENT = "feature_flag.evaluation";

/** Of a session, what its telemetry tells. */
export type TracedSession = Pick<
  Session,
  "id" | "project" | "config" | "configHash" | "arm" | "place" | "experiment" | "share" | "excluded" | "unit"
>;

/** What is known of an assignment, by a session or by an exposure. */
interface Assignment {
  readonly project: string;
  readonly session: string;
  readonly unit: string | null;
  readonly config: string;
  /** of its arm */
  readonly place: number;
  readonly experiment: string | null;
  readonly share: number | null;
  readonly excluded: string | null;
}

/** The assignment of a session. */
export function assignmentOf(session: TracedSession): Assignment {
  const { id, configHash, ...rest } = session;
  return { ...rest, session: id, config: configHash };
}

/** The evaluation event's own attributes. */
export function evaluationAttributes(assignment: Assignment | Exposure): Attributes {
  const { project, session, unit, place, experiment, excluded } = assignment;
  return {
    "feature_flag.key": project,
    "feature_flag.provider.name": "dethrone",
    "feature_flag.context.id": unit ?? session,
    "feature_flag.result.variant": armName(place),
    "feature_flag.result.reason":
      excluded === "override" || excluded === "assigned" ? "targeting_match" : "split",
    ...(experiment !== null && { "feature_flag.version": experiment }),
    ...dethroneAttributes(assignment),
  };
}

/** The agent and the conversation that a span belongs to. */
export function agentAttributes(assignment: Assignment | Exposure): Attributes {
  return {
    "gen_ai.agent.name": assignment.project,
    "gen_ai.agent.version": assignment.config,
    "gen_ai.conversation.id": assignment.session,
    ...dethroneAttributes(assignment),
  };
}

function dethroneAttributes(assignment: Assignment | Exposure): Attributes {
  const { project, session, config, place, experiment, share, excluded } = assignment;
  return {
    "dethrone.project": project,
    "dethrone.session": session,
    "dethrone.config": config,
    "dethrone.arm": armName(place),
    ...(experiment !== null && { "dethrone.experiment": experiment }),
    ...(share !== null && { "dethrone.share": share }),
    ...(excluded !== null && { "dethrone.excluded": excluded }),
  };
}

/** The attributes of a session's span. */
export function sessionAttributes(session: TracedSession): Attributes {
  const { model, provider } = Object(session.config) as {
    readonly model?: unknown;
    readonly provider?: unknown;
  };
  return {
    "gen_ai.operation.name": "invoke_agent",
    // Required, and of who tells where nobody says who provides the model.
    "gen_ai.provider.name": typeof provider === "string" ? provider : "dethrone",
    ...(typeof model === "string" && { "gen_ai.request.model": model }),
    ...agentAttributes(assignmentOf(session)),
  };
}

/** The attributes of a decision's span. */
export function decisionAttributes(decision: DecisionEvent): Attributes {
  const { promoted } = decision;
  return {
    "dethrone.project": decision.project,
    "dethrone.experiment": decision.experiment,
    "dethrone.decision": decision.decision,
    "dethrone.verdict": decision.verdict,
    "dethrone.reason": decision.reason,
    "dethrone.units": decision.sessionCount,
    "dethrone.probability_better": decision.probabilityBetter,
    "dethrone.uplift_mean": decision.upliftMean,
    "dethrone.actor": decision.actor,
    ...(promoted && { "dethrone.promoted": promoted.hash }),
  };
}

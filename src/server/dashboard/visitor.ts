/**
 * Who looks at the pages, and what the pages are made from.
 */
import type { Context } from "hono";
import type { Plan, PlanInput } from "../../core/simulation/plan.js";
import type { CurvePoint, SimulationSummary } from "../../core/simulation/simulation-summary.js";
import type { Engine } from "../../engine/engine.js";

/** Someone who may look at pages. */
export interface Visitor {
  /** keys of the projects they may see; null for all */
  readonly projects: readonly string[] | null;
  /** whether they may decide things by hand */
  readonly isAdmin: boolean;
  /** what the audit log calls them */
  readonly actor: string;
  /** proves that a form is one of ours; null where the server is open to this machine alone */
  readonly csrf: { readonly name: string; readonly value: string } | null;
  /** whether there is anything to sign out of */
  readonly isSignedIn: boolean;
}

/** How visitors are told apart. */
export interface Entrance {
  /** null for someone who has to sign in first */
  readonly visitorOf: (c: Context) => Visitor | null;
  /** whether a form comes from one of our own pages */
  readonly isOwnForm: (c: Context, form: Readonly<Record<string, unknown>>) => boolean;
}

/** Experiments to be simulated under two policies, `calibrated` and `threshold`. */
export interface SimulationQuestion {
  readonly baseRate: number;
  /** the challenger's rate less the champion's */
  readonly effect: number;
  readonly share: number;
  readonly horizon: number;
  readonly alpha: number;
  readonly runs: number;
  readonly seed: number;
}

/** How often a policy promotes, holds and aborts, as fractions of the runs. */
export interface SimulatedPolicy
  extends Pick<
    SimulationSummary,
    | "promoted"
    | "held"
    | "aborted"
    | "sessionsMean"
    | "sessionsMedian"
    | "sessionsP90"
    | "challengerSessionsMean"
  > {
  readonly policy: string;
  readonly curve: readonly CurvePoint[];
}

/** Answers questions about experiments that do not exist yet, bounded in time, without holding up anyone else. */
export interface Planner {
  simulate(
    question: SimulationQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly policies: readonly SimulatedPolicy[] }>;
  plan(
    question: PlanInput & { readonly runs: number },
    signal: AbortSignal,
  ): Promise<Plan & { readonly runs: number }>;
}

/** What the dashboard is made from. */
export interface DashboardOptions extends Entrance {
  readonly engine: Engine;
  readonly planner: Planner;
}

/**
 * The budget of expected false promotions of a project: what is left of it, and what may start.
 */
import { type Budget, type BudgetTerms, budgetOf, fitsBudget } from "../../core/decision/budget.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { DAY_MS, parseDuration } from "../duration.js";
import type { ProjectState, Store, StoredExperiment, StoredRuling } from "../ports.js";
import { auditByHand, type ByHand, persist } from "./audit.js";
import { levelFor } from "./design.js";
import { requireProject } from "./lookup.js";

/** How the budget of a project is set. */
export interface BudgetInput extends ByHand {
  /** counts the experiments that start within so long, such as `365d`; default: all there are */
  readonly window?: string | null | undefined;
}

const LIMIT_MAX = 1000;

/** @throws DethroneError `settings_invalid` */
function checkedTerms(limit: unknown, window: unknown): BudgetTerms | null {
  const isNone = limit === null;
  if (!isNone && !(typeof limit === "number" && limit > 0 && limit <= LIMIT_MAX)) {
    throw new DethroneError(
      "settings_invalid",
      `A budget must be a number of false promotions in (0, ${LIMIT_MAX}], such as 0.5, or null for none; received ${String(limit)}.`,
      { field: "budget", received: received(limit) },
    );
  }
  if (window === undefined || window === null) return isNone ? null : { limit, windowMs: null };
  const windowMs = typeof window === "string" ? parseDuration(window) : null;
  if (windowMs !== null && !isNone) return { limit, windowMs };
  throw new DethroneError(
    "settings_invalid",
    `window must be a duration such as '90d', of a year at most, with a budget; received ${String(window)}.`,
    { field: "window", received: received(window) },
  );
}

const toldOf = (terms: BudgetTerms | null): JsonObject | null => terms && { ...terms };

/** Limits how many false promotions may be expected of the experiments that start; null takes the limit away. */
export function setBudget(
  context: EngineContext,
  store: Store,
  key: string,
  limit: number | null,
  input: BudgetInput,
): Promise<void> {
  const budget = checkedTerms(limit, input?.window);
  return persist(key, async () => {
    const project = await requireProject(store, key);
    const details = { from: toldOf(project.budget), to: toldOf(budget) };
    const audit = auditByHand(context, "budget", input, details);
    return { isDone: await store.setBudget({ project, budget, audit }), result: undefined };
  });
}

const testOf = ({ policy, startedAtMs }: StoredRuling) => ({
  alpha: policy.kind === "calibrated" ? policy.alpha : null,
  startedAtMs,
});

/** Where the budget of a project stands; null without one. */
export async function projectBudget(
  store: Store,
  { key, budget }: Pick<ProjectState, "key" | "budget">,
  nowMs: number,
): Promise<Budget | null> {
  return budget === null ? null : budgetOf(budget, (await store.rulings(key)).map(testOf), nowMs);
}

/** What an experiment's start would take of the budget: its level; null under the plain rule, which has none. */
type Planned = Pick<StoredExperiment, "policy"> & { readonly fdr?: number | null };

const amount = (value: number): string => String(Number(value.toPrecision(3)));

/** What stands in the way, and the ways out. */
function spentText(key: string, budget: Budget): string {
  const { limit, windowMs, spent, freesAtMs } = budget;
  const within = windowMs === null ? "" : ` within ${amount(windowMs / DAY_MS)} days`;
  const later = freesAtMs === null ? "" : ` wait until ${new Date(freesAtMs).toISOString().slice(0, 16)}Z,`;
  return `The budget of project '${key}' is ${amount(limit)} expected false promotions${within}, of which ${amount(spent)} are spent: raise it ('dethrone budget'),${later} or let challengers contend at a lower level (policy.alpha, or fdr).`;
}

const PLAIN_RULE =
  "the plain threshold rule promises nothing about false promotions, and so fits no budget: let challengers contend by the calibrated rule, or take the budget away";

/** Why an experiment may not start for the budget's sake, as `budget_spent`; null where it may. */
export async function budgetRefusal(
  store: Store,
  state: Pick<ProjectState, "key" | "budget">,
  { policy, fdr = null }: Planned,
  nowMs: number,
): Promise<DethroneError | null> {
  const budget = await projectBudget(store, state, nowMs);
  if (budget === null) return null;
  const { key } = state;
  const isPlain = policy.kind !== "calibrated";
  const alpha = isPlain ? null : fdr === null ? policy.alpha : await levelFor(store, key, fdr);
  if (fitsBudget(budget, alpha)) return null;
  const message = isPlain ? `Project '${key}' has a budget, and ${PLAIN_RULE}.` : spentText(key, budget);
  return new DethroneError("budget_spent", message, { project: key, alpha, ...budget });
}

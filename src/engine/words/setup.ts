/**
 * Who takes part in an experiment, what follows it and where it stands, in words.
 */
import type { JsonObject } from "../../core/errors.js";
import { percent, plural } from "../../core/words/numbers.js";
import type { Audience, StoredExperiment, Watch } from "../ports.js";

function fieldText(field: string, condition: unknown): string {
  const isOperators = typeof condition === "object" && condition !== null;
  return isOperators
    ? `${field} ${JSON.stringify(condition)}`
    : `${field} is ${typeof condition === "string" ? condition : JSON.stringify(condition)}`;
}

const whereText = (where: JsonObject): string[] =>
  Object.entries(where).map(([field, condition]) => fieldText(field, condition));

/** Who takes part, in words. */
export function audienceText(audience: Audience | null): string {
  const { where = {}, includeGroups = [], excludeGroups = [] } = audience ?? {};
  const conditions = [
    ...whereText(where),
    ...(includeGroups.length > 0 ? [`in group ${includeGroups.join(" or ")}`] : []),
    ...(excludeGroups.length > 0 ? [`not in group ${excludeGroups.join(" or ")}`] : []),
  ];
  return conditions.length === 0 ? "everyone" : conditions.join("; ");
}

/** What follows a promotion, in words. */
export function watchText({ share, horizon }: Watch): string {
  return `after a promotion ${percent(share)} stay on the old champion for ${plural(horizon, "session")}; it returns if it proves better`;
}

/** Where an experiment stands, in words. What a watch promotes is the old champion; what a rule places is no evidence. */
export function stateText(experiment: {
  readonly kind: StoredExperiment["kind"];
  readonly status: StoredExperiment["status"];
  readonly isAwaitingApproval: boolean;
  readonly isQueued?: boolean | undefined;
  readonly assign: StoredExperiment["assign"];
}): string {
  const { kind, status, isAwaitingApproval, isQueued, assign } = experiment;
  if (isAwaitingApproval) return "awaiting approval";
  if (isQueued) return "queued";
  if (assign !== null) return `${status}, not randomised`;
  return kind === "watch" && status === "promoted" ? "rolled back" : status;
}

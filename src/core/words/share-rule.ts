/**
 * Rules of shares as people read them.
 */
import type { ShareRule } from "../decision/share-rule.js";
import { percent } from "./numbers.js";

/** A share rule in words. */
export function shareRuleText(rule: ShareRule): string {
  if (rule.kind === "fixed") return percent(rule.share);
  if (rule.kind === "each") return rule.shares.map((share) => percent(share)).join(", ");
  if (rule.kind === "adaptive") return `adaptive, ${percent(rule.min, 0)} to ${percent(rule.max, 0)}`;
  return `ramp ${rule.steps.map(({ share }) => Number((100 * share).toFixed(2))).join(", ")} %`;
}

/** Whether a share moves while its experiment runs. */
export const isMoving = ({ kind }: ShareRule): boolean => kind === "ramp" || kind === "adaptive";

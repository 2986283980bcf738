/**
 * What an experiment is set up as, in words: shares, rule, audience, watch, what people say of it.
 */
import type { Policy } from "../core/decision/policy.js";
import type { ShareRule } from "../core/decision/share-rule.js";
import type { Assign } from "../core/sessions/assign.js";
import { guardrailText } from "../core/words/guardrail.js";
import { listed } from "../core/words/names.js";
import { evidence, percent, plural, signedPoints } from "../core/words/numbers.js";
import { isMoving, shareRuleText } from "../core/words/share-rule.js";
import { totalOf } from "../engine/experiments/experiment-summary.js";
import type { Audience, Description, Watch } from "../engine/ports.js";
import { audienceText, watchText } from "../engine/words/setup.js";
import { assignText } from "../engine/words/study.js";
import type { Colors } from "./render.js";
import { type Fact, facts, minuteText } from "./views.js";

/** What people say of an experiment. */
export function descriptionFacts({ hypothesis, description, owner, tags }: Description): Fact[] {
  return [
    ...(hypothesis === null ? [] : [["hypothesis", hypothesis] as const]),
    ...(description === null ? [] : [["description", description] as const]),
    ...(owner === null ? [] : [["owner", owner] as const]),
    ...(tags.length === 0 ? [] : [["tags", tags.join(", ")] as const]),
  ];
}

/** What of an experiment says who takes part. */
export interface Participation {
  readonly audience: Audience | null;
  readonly exclusionGroup: string | null;
  /** share of the units held out */
  readonly holdout: number;
  readonly watch: Watch | null;
}

/** Who takes part, and what follows; nothing of what is as usual. */
export function participationFacts({ audience, exclusionGroup, holdout, watch }: Participation): Fact[] {
  return [
    ...(audience === null ? [] : [["audience", audienceText(audience)] as const]),
    ...(exclusionGroup === null
      ? []
      : [["exclusive", `with other experiments of the group ${exclusionGroup}`] as const]),
    ...(holdout === 0
      ? []
      : [["held out", `${percent(holdout)} of the units, who always get the champion`] as const]),
    ...(watch === null ? [] : [["watch", watchText(watch)] as const]),
  ];
}

/** When a draft starts by itself, in words. */
export function scheduleText(startsAtMs: number | null, nowMs: number): string {
  if (startsAtMs === null) return "by hand";
  return `${minuteText(startsAtMs)} UTC${startsAtMs <= nowMs ? " (due)" : ""}`;
}

/** What a time of a schedule means. */
export const FIRST_TICK = ", at the first tick that finds the slot free";

/** An experiment that is planned. */
export interface Setup extends Description, Participation {
  /** what gives sessions their arms; null: chance, by their shares */
  readonly assign: Assign | null;
  readonly policy: Policy;
  readonly shareRule: ShareRule;
  /** the challengers' planned shares, in the order of their arms */
  readonly planShares: readonly number[];
  /** names of the arms, the champion's first */
  readonly names: readonly string[];
  readonly promotion: "auto" | "approve";
  /** of a draft; undefined for what starts at once */
  readonly startsAtMs?: number | null | undefined;
}

type Shares = Pick<Setup, "shareRule" | "planShares" | "names" | "assign">;

/** The challengers' share together: "30.0 %". */
function totalText({ shareRule, planShares }: Shares): string {
  const total = percent(totalOf(planShares));
  return isMoving(shareRule) ? `${shareRuleText(shareRule)}, planned as ${total} on average` : total;
}

/** Who gets which share: "brief 10.0 %, polite 20.0 %". */
function eachText({ shareRule, planShares, names }: Shares): string {
  if (isMoving(shareRule)) return `divided equally between ${listed(names.slice(1))}`;
  return planShares.map((share, j) => `${names[j + 1]} ${percent(share)}`).join(", ");
}

/** Who gets which share of how many sessions, in a sentence. */
export function planText(shares: Shares, horizon: number): string {
  const { length } = shares.planShares;
  if (shares.assign !== null) return `Arms are ${assignText(shares.assign)}. Nothing of it is evidence.`;
  const planned = `planned for ${plural(horizon, "session")}.`;
  const { shareRule, planShares } = shares;
  const share = isMoving(shareRule) ? shareRuleText(shareRule) : percent(totalOf(planShares));
  if (length === 1) return `${share} of sessions to the challenger, ${planned}`;
  return `${share} of sessions to ${plural(length, "challenger")}, ${planned}\n${eachText(shares)}`;
}

function ruleText({ policy, planShares }: Setup): string {
  const { kind, alpha, tau, minUplift } = policy;
  const better = minUplift === 0 ? "better" : `uplift > ${signedPoints(minUplift)}`;
  if (kind === "threshold") return `threshold: promotes at P(${better}) above ${tau}`;
  const proven = minUplift === 0 ? "that it is better" : `that ${better}`;
  const count = planShares.length;
  const level = `alpha ${Number(alpha.toPrecision(3))}${count === 1 ? "" : ` divided by ${count}`}`;
  return `calibrated, ${level}: ${evidence(Math.log(count) - Math.log(alpha))} evidence ${proven}`;
}

function fuseText({ policy: { fuse }, planShares }: Setup): string {
  if (fuse === null) return "none";
  const whose = planShares.length === 1 ? "the challenger" : "a challenger";
  return `${percent(fuse.errorRate, 0)} errors in ${fuse.minSessions} or more sessions of ${whose}`;
}

/**
 * A planned experiment in full.
 *
 * @param head facts that come first
 */
export function setupText(setup: Setup, colors: Colors, nowMs: number, head: readonly Fact[] = []): string {
  const { policy, names, promotion, startsAtMs } = setup;
  const guards = policy.guardrails.map((guardrail) => guardrailText(guardrail, policy));
  const arms = names.length === 2 ? "both arms" : "all arms";
  const share = names.length === 2 ? totalText(setup) : `${totalText(setup)}: ${eachText(setup)}`;
  return facts(
    [
      ...head,
      ...descriptionFacts(setup),
      ...(setup.assign === null
        ? ([
            ["share", share],
            ["planned", `${plural(policy.horizon, "session")}, ${arms} together`],
            ["rule", ruleText(setup)],
            ["promotion", promotion === "approve" ? "waits for a person" : "by itself"],
          ] as const)
        : ([
            ["arms", assignText(setup.assign)],
            ["promotion", "by hand alone: nothing of it is evidence"],
          ] as const)),
      ...(guards.length > 0 ? guards : ["none"]).map(
        (text, index) => [index === 0 ? "guardrails" : "", text] as const,
      ),
      ["fuse", fuseText(setup)],
      ...participationFacts(setup),
      ...(startsAtMs === undefined
        ? []
        : [
            ["starts", `${scheduleText(startsAtMs, nowMs)}${startsAtMs === null ? "" : FIRST_TICK}`] as const,
          ]),
    ],
    colors,
  );
}

import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { planText, type Setup, scheduleText, setupText } from "../../../src/cli/setup-views.js";
import { createPolicy, type PolicyInput } from "../../../src/core/decision/policy.js";
import {
  createShareRule,
  plannedShares,
  type ShareRuleInput,
} from "../../../src/core/decision/share-rule.js";
import { audienceText, stateText } from "../../../src/engine/words/setup.js";

const plain = picocolors.createColors(false);
const NOW = Date.UTC(2026, 10, 21);

function setup(share: ShareRuleInput, names: readonly string[], policy: PolicyInput = {}): Setup {
  const shareRule = createShareRule(share, 2000);
  return {
    policy: createPolicy(policy),
    shareRule,
    planShares: plannedShares(shareRule, names.length),
    names: ["champion", ...names],
    promotion: "auto",
    audience: null,
    exclusionGroup: null,
    assign: null,
    holdout: 0,
    watch: null,
    hypothesis: null,
    description: null,
    owner: null,
    tags: [],
  };
}

const told = (input: Setup): string => setupText(input, plain, NOW);

describe("a planned experiment", () => {
  it("of one challenger says nothing of what is as usual", () => {
    expect(told(setup(0.2, ["challenger"]))).toBe(
      [
        "  share       20.0 %",
        "  planned     2,000 sessions, both arms together",
        "  rule        calibrated, alpha 0.05: 20.0x evidence that it is better",
        "  promotion   by itself",
        "  guardrails  error at most 2 points worse",
        "  fuse        50 % errors in 20 or more sessions of the challenger",
      ].join("\n"),
    );
  });

  it("of several says who gets what, and how much evidence each needs", () => {
    const text = told(setup([0.1, 0.2], ["brief", "terse"]));
    expect(text).toContain("30.0 %: brief 10.0 %, terse 20.0 %");
    expect(text).toContain("alpha 0.05 divided by 2: 40.0x evidence");
    expect(text).toContain("all arms together");
    expect(told(setup("ramp", ["brief", "terse"])).replace(/\s+/g, " ")).toContain(
      "ramp 5, 10, 25, 50 %, planned as 22.5 % on average: divided equally between brief and terse",
    );
  });

  it("has everything that was said, broken at words", () => {
    const all: Setup = {
      ...setup(0.2, ["challenger"], { kind: "threshold", minUplift: 0.02 }),
      hypothesis: `${"word ".repeat(30)}end`,
      description: "d",
      owner: "ana",
      tags: ["a", "b"],
      promotion: "approve",
      audience: { excludeGroups: ["staff"] },
      exclusionGroup: "chat",
      holdout: 0.05,
      watch: { share: 0.1, horizon: 300 },
      startsAtMs: NOW + 1,
    };
    const text = told(all);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).toMatch(/hypothesis +word[\s\S]*\n {15}word/);
    expect(text).toContain("threshold: promotes at P(uplift > +2.0 points) above 0.95");
    expect(text).toMatch(/guardrails +none/);
    expect(text).toMatch(/fuse +none/);
    expect(text).toMatch(/tags +a, b/);
    expect(text).toMatch(/promotion +waits for a person/);
    expect(text).toMatch(/held out +5\.0 % of the units/);
    expect(text).toMatch(/starts +2026-11-21 00:00 UTC, at the first tick/);
    expect(told({ ...all, startsAtMs: null })).toMatch(/starts +by hand/);
  });
});

describe("parts of it", () => {
  it("an audience in words", () => {
    expect(audienceText(null)).toBe("everyone");
    expect(audienceText({})).toBe("everyone");
    expect(
      audienceText({
        where: { plan: "pro", age: { $gte: 18 }, beta: true },
        includeGroups: ["a", "b"],
        excludeGroups: ["c"],
      }),
    ).toBe('plan is pro; age {"$gte":18}; beta is true; in group a or b; not in group c');
  });

  it("a plan in a sentence", () => {
    const { policy, ...one } = setup("adaptive", ["challenger"]);
    expect(planText(one, policy.horizon)).toBe(
      "adaptive, 5 % to 50 % of sessions to the challenger, planned for 2,000 sessions.",
    );
    expect(planText(setup(0.3, ["a", "b", "c"]), 10)).toBe(
      "30.0 % of sessions to 3 challengers, planned for 10 sessions.\na 10.0 %, b 10.0 %, c 10.0 %",
    );
  });

  it("a schedule, which may be due", () => {
    expect(scheduleText(null, NOW)).toBe("by hand");
    expect(scheduleText(NOW, NOW)).toBe("2026-11-21 00:00 UTC (due)");
    expect(scheduleText(NOW + 60_000, NOW)).toBe("2026-11-21 00:01 UTC");
  });

  it("a state: what a watch promotes is the old champion", () => {
    const state = { kind: "watch", status: "promoted", isAwaitingApproval: false, assign: null } as const;
    expect(stateText(state)).toBe("rolled back");
    expect(stateText({ ...state, kind: "contest" })).toBe("promoted");
    expect(stateText({ ...state, isAwaitingApproval: true })).toBe("awaiting approval");
    const assign = { by: "fixed", arm: 1 } as const;
    expect(stateText({ ...state, kind: "contest", status: "running", assign })).toBe(
      "running, not randomised",
    );
  });
});

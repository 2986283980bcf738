import { describe, expect, it } from "vitest";
import { type Assign, placeBy } from "../../../../src/core/sessions/assign.js";

const placeOf = (assign: Assign, context: object | null, turn = 0, armCount = 3) =>
  placeBy(assign, { context: context as never, turn }, armCount);

describe("an arm by a rule", () => {
  it("by an attribute: a text, or a number or boolean as JSON writes it; the champion for anything else", () => {
    const assign: Assign = { by: "attribute", field: "user.plan", arms: { pro: 1, "2": 2, true: 1 } };
    const of = (plan: unknown) => placeOf(assign, { user: { plan } });
    expect([of("pro"), of(2), of("2"), of(true)]).toEqual([1, 2, 2, 1]);
    expect([of("free"), of(null), of(["pro"]), of("constructor")]).toEqual([0, 0, 0, 0]);
    expect([placeOf(assign, {}), placeOf(assign, null)]).toEqual([0, 0]);
  });

  it("by the first of the session's groups that is listed; the champion without one", () => {
    const assign: Assign = { by: "group", arms: { beta: 1, staff: 2 } };
    expect(placeOf(assign, { groups: ["all", "staff", "beta"] })).toBe(2);
    expect(placeOf(assign, { groups: ["all", 7] })).toBe(0);
    expect(placeOf(assign, { groups: "staff" })).toBe(0);
    expect(placeOf(assign, {})).toBe(0);
    expect(placeOf(assign, null)).toBe(0);
  });

  it("fixed, for everyone", () => {
    expect(placeOf({ by: "fixed", arm: 1 }, null)).toBe(1);
  });

  it("one after the other, by the turn", () => {
    expect([0, 1, 2, 3].map((turn) => placeOf({ by: "round-robin" }, null, turn))).toEqual([0, 1, 2, 0]);
  });
});

import { describe, expect, it } from "vitest";
import { type Assign, createAssign, placeBy } from "../../../../src/core/sessions/assign.js";

const placeOf = (assign: Assign, context: object | null, turn = 0, armCount = 3) =>
  placeBy(assign, { context: context as never, turn }, armCount);

describe("an arm by a rule", () => {
  it("by an attribute: a text, or a number or boolean as JSON writes it; the champion for anything else", () => {
    const assign: Assign = { by: "attribute", field: "user.plan", map: { pro: 1, "2": 2, true: 1 } };
    const of = (plan: unknown) => placeOf(assign, { user: { plan } });
    expect([of("pro"), of(2), of("2"), of(true)]).toEqual([1, 2, 2, 1]);
    expect([of("free"), of(null), of(["pro"]), of("constructor")]).toEqual([0, 0, 0, 0]);
    expect([placeOf(assign, {}), placeOf(assign, null)]).toEqual([0, 0]);
  });

  it("by the first of the session's groups that is listed; the champion without one", () => {
    const assign: Assign = { by: "group", map: { beta: 1, staff: 2 } };
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

describe("a rule as it is asked for", () => {
  it("names arms by role or place, and is stored with their places", () => {
    const map = { free: "champion", pro: "challenger", team: 1 };
    expect(createAssign({ by: "attribute", field: "plan", map }, 1)).toEqual({
      ...{ by: "attribute", field: "plan", map: { free: 0, pro: 1, team: 1 } },
    });
    expect(createAssign({ by: "group", map: { staff: 2 } }, 2)).toEqual({ by: "group", map: { staff: 2 } });
    expect(createAssign({ by: "fixed", arm: "champion" }, 2)).toEqual({ by: "fixed", arm: 0 });
    expect(createAssign({ by: "round-robin" }, 2)).toEqual({ by: "round-robin" });
  });

  it("says which arms there are", () => {
    const wrong = { by: "fixed", arm: "us" };
    expect(() => createAssign(wrong, 1)).toThrow(
      "'champion', 'challenger' or the place of an arm from 0 to 1",
    );
    expect(() => createAssign(wrong, 2)).toThrow("'champion' or the place of an arm from 0 to 2");
  });

  it.each([
    ["no rule", undefined, "assign"],
    ["another rule", { by: "weather" }, "assign"],
    ["the name of an object's method", { by: "constructor" }, "assign"],
    ["an unknown field", { by: "fixed", arm: 1, share: 0.5 }, "assign.share"],
    ["no arm", { by: "fixed" }, "assign.arm"],
    ["an arm there is none of", { by: "fixed", arm: 3 }, "assign.arm"],
    ["a challenger, of two", { by: "fixed", arm: "challenger" }, "assign.arm"],
    ["a broken place", { by: "fixed", arm: 0.5 }, "assign.arm"],
    ["no field", { by: "attribute", map: { pro: 1 } }, "assign.field"],
    ["a field without a name", { by: "attribute", field: "", map: { pro: 1 } }, "assign.field"],
    ["no map", { by: "group" }, "assign.map"],
    ["a list for a map", { by: "group", map: ["pro"] }, "assign.map"],
    ["an empty map", { by: "group", map: {} }, "assign.map"],
    ["a wrong arm in a map", { by: "group", map: { staff: "us" } }, "assign.map.staff"],
  ])("is refused with %s", (_what, input, field) => {
    expect(() => createAssign(input, 2)).toThrow(
      expect.objectContaining({ code: "settings_invalid", details: expect.objectContaining({ field }) }),
    );
  });
});

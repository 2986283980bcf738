import { describe, expect, it } from "vitest";
import type { StoredArm, StoredExperiment } from "../../../../src/engine/ports.js";
import { KnownUnits } from "../../../../src/engine/sessions/known-units.js";

const experiment = (uid: string, out: StoredArm["out"] = null) =>
  ({
    uid,
    arms: [
      { id: 1, out: null },
      { id: 2, out },
    ],
  }) as unknown as StoredExperiment;

describe("KnownUnits", () => {
  it("gives a unit the arm it was confirmed with, in that experiment alone", () => {
    const units = new KnownUnits();
    units.remember(experiment("e"), "u", 2);
    expect(units.armOf(experiment("e"), "u")).toMatchObject({ id: 2 });
    expect(units.armOf(experiment("e"), "v")).toBeNull();
    expect(units.armOf(experiment("f"), "u")).toBeNull();
    units.remember(experiment("f"), "u", 1);
    expect(units.armOf(experiment("f"), "u")).toMatchObject({ id: 1 });
    expect(units.armOf(experiment("e"), "u")).toBeNull();
  });

  it("gives no arm that is out", () => {
    const units = new KnownUnits();
    units.remember(experiment("e"), "u", 2);
    expect(units.armOf(experiment("e", "harm"), "u")).toBeNull();
  });

  it("forgets the unit that was not used for longest", () => {
    const units = new KnownUnits();
    for (let i = 0; i < 10_000; i += 1) units.remember(experiment("e"), `u${i}`, 1);
    units.armOf(experiment("e"), "u0");
    units.remember(experiment("e"), "one more", 1);
    expect(units.armOf(experiment("e"), "u0")).not.toBeNull();
    expect(units.armOf(experiment("e"), "u1")).toBeNull();
    expect(units.armOf(experiment("e"), "one more")).not.toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import { KeptUnits } from "../../../../src/engine/experiments/folded-units.js";
import type { FoldRow, Store, StoredExperiment } from "../../../../src/engine/ports.js";
import { foldAll, termsOf } from "../../../support/evidence.js";

/** An experiment of one challenger, of which nothing else is asked. */
const experiment = (id: number): StoredExperiment =>
  ({ ...termsOf(), id, projectId: 1, revisions: [], arms: [{}, {}] }) as unknown as StoredExperiment;

const rowAt = (seq: number, plan: string): FoldRow => ({
  seq,
  arm: seq % 2,
  shares: [0.5],
  score: seq % 3 === 0 ? 1 : 0,
  context: { plan },
  startedAtMs: seq,
  durationMs: null,
  signals: [],
});

const evidenceOf = (count: number) =>
  foldAll(
    Array.from({ length: count }, (_, i) => rowAt(i + 1, "pro")),
    termsOf(),
  );

/** A store of 600 units an experiment, which counts what is read of it and can be made to fail. */
function fakeStore() {
  const world = { plan: "pro", entries: [{ id: 1, action: "started" }], read: 0, failAfter: 0 };
  const store = {
    auditLog: async (_: number, limit: number) => [...world.entries].reverse().slice(0, limit),
    upkeep: { archive: async () => null },
    foldRows: async ({ afterSeq, untilSeq = 600, limit }: Parameters<Store["foldRows"]>[0]) => {
      if (world.failAfter > 0 && afterSeq >= world.failAfter) throw new Error("the disk is gone");
      const count = Math.min(limit, untilSeq - afterSeq);
      world.read += count;
      return Array.from({ length: count }, (_, i) => rowAt(afterSeq + i + 1, world.plan));
    },
  } as unknown as Store;
  return { world, store };
}

describe("the units kept of a store", () => {
  it("read each unit once, however many ask and for how much", async () => {
    const { world, store } = fakeStore();
    const kept = new KeptUnits(store);
    const all = await Promise.all([300, 600, 450].map((seq) => kept.upTo(experiment(1), seq)));
    expect(new Set(all).size).toBe(1);
    expect(all[0]?.unitCount).toBe(600);
    expect(world.read).toBe(600);
    await kept.upTo(experiment(1), 600);
    expect(world.read).toBe(600);
  });

  it("go on where a read failed, and are then as if it had not", async () => {
    const { world, store } = fakeStore();
    const kept = new KeptUnits(store);
    world.failAfter = 250;
    await expect(kept.upTo(experiment(1), 600)).rejects.toThrow("the disk is gone");
    world.failAfter = 0;
    const evaluation = (units: Awaited<ReturnType<typeof kept.upTo>>) =>
      units.evaluation("250", { ...termsOf(), evidence: evidenceOf(250) });
    expect(await evaluation(await kept.upTo(experiment(1), 250))).toEqual(
      await evaluation(await new KeptUnits(fakeStore().store).upTo(experiment(1), 250)),
    );
    const units = await kept.upTo(experiment(1), 600);
    expect(world.read).toBe(600);
    const calm = await new KeptUnits(fakeStore().store).upTo(experiment(1), 600);
    expect(await units.trajectory()).toEqual(await calm.trajectory());
    expect(units.breakdown()).toEqual(calm.breakdown());
  });

  it("forget what was said of a unit once anybody has forgotten it, and when they cannot tell", async () => {
    const { world, store } = fakeStore();
    const kept = new KeptUnits(store);
    const plans = async () => {
      const units = await kept.upTo(experiment(1), 600);
      return units.breakdown()[0]?.values.map(({ value }) => value);
    };
    expect(await plans()).toEqual(["pro"]);
    world.plan = "free";
    world.entries.push({ id: 2, action: "share-raised" });
    expect(await plans()).toEqual(["pro"]);
    world.entries.push({ id: 3, action: "forgotten" }, { id: 4, action: "dropped" });
    expect(await plans()).toEqual(["free"]);
    world.plan = "team";
    for (let id = 5; id < 24; id += 1) world.entries.push({ id, action: "dropped" });
    expect(await plans()).toEqual(["free"]);
    for (let id = 24; id < 44; id += 1) world.entries.push({ id, action: "dropped" });
    expect(await plans()).toEqual(["team"]);
  });

  it("keep as many units as they are told to, those asked for last", async () => {
    const { world, store } = fakeStore();
    const kept = new KeptUnits(store, 1200);
    for (const id of [1, 2, 1, 3]) await kept.upTo(experiment(id), 600);
    expect(world.read).toBe(1800);
    await kept.upTo(experiment(1), 600);
    expect(world.read).toBe(1800);
    await kept.upTo(experiment(2), 600);
    expect(world.read).toBe(2400);
    const small = new KeptUnits(store, 10);
    for (let look = 0; look < 3; look += 1) await small.upTo(experiment(1), 600);
    expect(world.read).toBe(3000);
  });
});

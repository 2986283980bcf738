import { expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import { randomIds, silentLogger, systemClock } from "../../src/engine/environment.js";
import type { ProjectState, Store } from "../../src/engine/ports.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { temporaryDatabase } from "../support/temporary.js";

it("a look that began before a change and comes back after it does not undo it", async () => {
  const store = await openSqlStore(locate(temporaryDatabase()), { mustExist: false });
  let held: Promise<void> | null = null;
  // As where reads go over several connections: what is asked first need not be answered first.
  const slow = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      if (name !== "projectState") return member.bind(target);
      return async (key: string): Promise<ProjectState | null> => {
        const [state, waits] = [await target.projectState(key), held];
        held = null;
        await waits;
        return state;
      };
    },
  }) as Store;
  const engine = await Engine.start({
    ...{ clock: systemClock, ids: randomIds, logger: silentLogger, openStore: async () => slow },
    ...{ isOff: false, isStrict: true, refreshMs: 1e9, patienceMs: 10_000, version: "test" },
  });
  const bot = await engine.project("support", { champion: { prompt: "long" } });
  await bot.challenge({ prompt: "short" }, { share: 0.5 });
  let release: () => void = () => undefined;
  held = new Promise((resolve) => {
    release = resolve;
  });
  const early = (bot as unknown as { refresh(): Promise<void> }).refresh();
  await bot.promote({ reason: "test" });
  expect((await bot.session()).config).toEqual({ prompt: "short" });
  release();
  await early;
  expect((await bot.session()).config).toEqual({ prompt: "short" });
  await engine.close();
});

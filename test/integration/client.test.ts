import { expect, it } from "vitest";
import { clientOf } from "../support/client.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();

it("sessions of a client are assigned by the engine's own arithmetic, recorded and folded", async () => {
  await setting.contest({ policy: { horizon: 2000 } });
  const { client } = clientOf(setting.test);
  const bot = await client.project("support", { champion: LONG });
  const arms = new Set<string>();
  for (let i = 0; i < 30; i += 1) {
    const session = await bot.session();
    arms.add(session.arm);
    expect(session.config).toEqual(session.arm === "champion" ? LONG : SHORT);
    await session.signal({ name: "cost_usd", value: 0.5 });
    expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });
  }
  expect(arms).toEqual(new Set(["champion", "challenger"]));
  expect(await setting.test.engine.decide()).toMatchObject([{ sessionCount: 30 }]);
  await client.close();
});

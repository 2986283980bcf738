// A process of an agent: opens the database, runs sessions, prints what was acknowledged. Run by processes.test.ts.
import { createEngine } from "../../dist/index.js";

const [url, countText, mode] = process.argv.slice(2);
const engine = await createEngine({ url, strict: true });
const bot = await engine.project("support", { champion: { prompt: "long" } });
const challenge = await bot.challenge(
  { prompt: "short" },
  { share: 0.5, horizon: 100_000, policy: { futility: null } },
);
let acknowledged = 0;
process.stdout.write(`${JSON.stringify({ started: challenge.started })}\n`);
const once = async (index) => {
  const session = await bot.session(mode === "units" ? { unit: `user-${index % 50}` } : {});
  // All alike: its arms are random, and nothing is to be decided by chance.
  await session.end({ score: 0.5 });
  acknowledged += 1;
  if (mode === "killed") process.stdout.write(`${session.id}\n`);
  return `${session.unit}:${session.arm}`;
};
const seen = new Set();
for (let done = 0; done < Number(countText); done += 20) {
  for (const each of await Promise.all(Array.from({ length: 20 }, (_, index) => once(done + index))))
    seen.add(each);
  if (mode !== "killed" && done % 100 === 0) await engine.decide();
}
await engine.close();
process.stdout.write(`${JSON.stringify({ acknowledged, seen: [...seen] })}\n`);

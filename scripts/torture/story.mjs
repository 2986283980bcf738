// What a host does with the package on a day on which something goes wrong, step by step.
import { sleep } from "./support.mjs";

const because = { reason: "torture" };
const POLICY = { horizon: 100, minPerArm: 5, futility: null };

/** The agent's own way: it gets its result whatever happens to the database. */
async function agentRuns(bot, { must, failures }, count) {
  const answer = bot.wrap((_session, n) => n + 1, { score: () => 1 });
  const answerForUnit = bot.wrap((_session, n) => n + 1, { unit: (n) => `user-${n % 7}`, score: () => 0.5 });
  for (let n = 0; n < count; n += 1) {
    const agent = n % 2 === 0 ? answer : answerForUnit;
    const result = await must("a wrapped agent", () => agent(n));
    if (result !== n + 1) failures.push(`a wrapped agent gave ${result} in the place of ${n + 1}`);
  }
}

/** Sessions by hand; what is acknowledged goes into the diary. */
async function sessions(bot, { must, may, diary }, name) {
  for (const unit of [undefined, `${name}-1`, `${name}-1`, `${name}-2`]) {
    const session = await must("session()", () => bot.session({ unit }));
    if (!session) continue;
    const { id } = session;
    const [key, value] = ["cost", Math.fround(diary.length / 7)];
    const told = await may("signal", () => session.signal({ name: "cost", value, key }));
    if (told) diary.push({ kind: "signal", id, key, value, status: told.status });
    const score = unit === undefined ? null : 0.25;
    const end = () => session.end(score === null ? {} : { score });
    // Once more where it was refused: it must not count twice.
    const ended = (await may("end", end)) ?? (await may("end again", end));
    if (ended) diary.push({ kind: "end", id, score, status: ended.status });
  }
}

/** A project's whole life by the hands of people. */
async function hands(engine, bot, { must, may }) {
  await must("challenge", () => bot.challenge({ prompt: "other" }, { share: 0.3, policy: POLICY }));
  await may("override", () => bot.override("user-1", "challenger", because));
  await may("revise", () => bot.revise({ ...because, horizon: 200, share: 0.4 }));
  await may("pause", () => bot.pause(because));
  await may("resume", () => bot.resume(because));
  await may("evaluate", () => bot.evaluate());
  await may("report", () => bot.report());
  const drafted = await may("draft", () => bot.draft({ prompt: "drafted" }, { share: 0.5, policy: POLICY }));
  await may("promote", () => bot.promote(because));
  const id = drafted?.experiment?.id;
  if (id) {
    await may("edit", () => bot.edit(id, { ...because, hypothesis: "shorter is better" }));
    await may("start", () => bot.start(id, because));
  }
  await may("abort", () => bot.abort(because));
  await may("rollback", () => bot.rollback(because));
  await may("holdout", () => bot.holdout(0.1, because));
  await may("history", () => bot.history());
  await may("verify", () => engine.verify());
}

/** Lets time pass until the engine says that it is well again, and a session can be recorded. */
async function recovery(engine, bot, { clock, must, may, failures }) {
  // To open the database takes real time, however the clock runs: more of it on a machine that is busy.
  for (let waited = 0; waited < 400; waited += 1) {
    clock.advance(5000);
    await sleep(waited < 40 ? 5 : 25);
    const session = await must("session() after the trouble", () => bot.session());
    const receipt = await may("end after the trouble", () => session?.end({ score: 1 }));
    if (receipt?.status === "recorded" && engine.health().queueLength === 0) return;
  }
  failures.push(`the engine did not come back: ${JSON.stringify(engine.health())}`);
}

/** From the start of the process to the end of it. */
export async function story(host) {
  const { engine, clock, must, may } = host;
  const bot = await must("project()", () => engine.project("support", { champion: { prompt: "long" } }));
  const fresh = await must("project() of a new one", () =>
    engine.project("fresh", { champion: { prompt: "first" } }),
  );
  await agentRuns(bot, host, 4);
  await sessions(bot, host, "early");
  // The sessions of the day before make the first tick that works promote.
  for (let tick = 0; tick < 2; tick += 1) await may("decide", () => engine.decide());
  await may("rollback", () => bot.rollback(because));
  clock.advance(6000);
  await hands(engine, fresh, host);
  await agentRuns(fresh, host, 2);
  await sessions(fresh, host, "late");
  await may("decide", () => engine.decide({ project: "fresh" }));
  await recovery(engine, bot, host);
  await agentRuns(bot, host, 2);
}

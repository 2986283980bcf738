/** Projects in every state the dashboard shows, made by simulated agents through the engine. */
import { createRandom, type Random } from "../../src/core/random.js";
import type { JsonObject, Project } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";

interface AgentConfig extends JsonObject {
  readonly model: string;
  readonly prompt: string;
  readonly temperature?: number;
  readonly tools?: readonly string[];
}

type Agent = Project<AgentConfig>;

/** How a config does: its rate of success, its cost a session, its time, its errors. */
interface Behaviour {
  readonly rate: number;
  readonly costUsd: number;
  readonly latencyMs: number;
  readonly errorRate: number;
}

const TYPICAL: Behaviour = { rate: 0.62, costUsd: 0.021, latencyMs: 2400, errorRate: 0.01 };

const THOROUGH: AgentConfig = {
  model: "m-large",
  prompt:
    "You are a support agent. Be thorough: restate the question, list what you know, then answer step by step.",
  temperature: 0.2,
  tools: ["search", "orders", "refunds"],
};
const BRIEF: AgentConfig = {
  ...THOROUGH,
  prompt: "You are a support agent. Be brief: answer in at most three sentences, then offer to go on.",
  tools: ["search", "orders"],
};
const WARM: AgentConfig = { ...BRIEF, prompt: `${BRIEF.prompt} Keep a warm tone.`, temperature: 0.6 };
const SMALL: AgentConfig = { ...BRIEF, model: "m-small" };

const MINUTE_MS = 60_000;
/** Outcomes that one arm loses. */
const LOSSES = 7;

/** A world of projects. */
export interface DashboardWorld {
  readonly test: TestEngine;
  /** ids of experiments, by project */
  readonly experiments: Readonly<Record<string, string>>;
  readonly session: string;
}

class Maker {
  readonly test: TestEngine;
  readonly random: Random = createRandom(7);

  constructor(test: TestEngine) {
    this.test = test;
  }

  open(key: string, champion: AgentConfig): Promise<Agent> {
    return this.test.engine.project<AgentConfig>(key, { champion });
  }

  /** Plays sessions with all their signals, and ticks now and then; stops where the experiment has ended. */
  async play(bot: Agent, count: number, of: (config: AgentConfig) => Partial<Behaviour>): Promise<void> {
    const { random, test } = this;
    const writes: Promise<unknown>[] = [];
    for (let index = 0; index < count; index += 1) {
      test.clock.advance(9 * MINUTE_MS);
      const plan = random.next() < 0.3 ? "pro" : "free";
      const platform = ["web", "ios", "android"][Math.floor(random.next() * 3)] as string;
      const session = await bot.session({ unit: `${bot.key}-user-${index}`, context: { plan, platform } });
      const own = { ...TYPICAL, ...of(session.config) };
      const isError = random.next() < own.errorRate;
      const spread = 0.5 + random.next();
      test.clock.advance(Math.round(own.latencyMs * spread));
      writes.push(session.signal({ name: "cost_usd", value: own.costUsd * spread }));
      writes.push(session.signal({ name: "latency_ms", value: own.latencyMs * spread }));
      writes.push(session.signal({ name: "error", value: isError ? 1 : 0 }));
      const rate = own.rate + (plan === "pro" ? 0.08 : -0.03);
      writes.push(session.end({ score: !isError && random.next() < rate ? 1 : 0 }));
      if (index % 40 === 39) await this.tick(writes);
    }
    await this.tick(writes);
  }

  async tick(writes: Promise<unknown>[]): Promise<void> {
    await Promise.all(writes.splice(0));
    await this.test.engine.flush();
    await this.test.engine.decide();
  }
}

/** Three experiments, one after the other: a promotion, a hold, and one that runs. */
async function support(maker: Maker): Promise<string> {
  const bot = await maker.open("support", THOROUGH);
  const first = (await bot.configs())[0]?.hash as string;
  await bot.label(first, "thorough", { reason: "the first", actor: "ada" });
  await bot.challenge(BRIEF, { share: 0.5, horizon: 1200, label: "brief", owner: "ada", actor: "ada" });
  await maker.play(bot, 700, ({ prompt }) => ({ rate: prompt === THOROUGH.prompt ? 0.5 : 0.68 }));
  await bot.challenge(SMALL, { share: 0.3, horizon: 400, label: "small", owner: "lin", tags: ["cost"] });
  await maker.play(bot, 420, ({ model }) => ({ costUsd: model === "m-small" ? 0.006 : 0.02, rate: 0.64 }));
  const { experiment } = await bot.challenge(WARM, {
    share: 0.35,
    horizon: 1500,
    label: "warm",
    owner: "ada",
    tags: ["tone", "autumn"],
    hypothesis: "A warmer tone gets more people to accept the answer.",
    policy: {
      guardrails: [
        { metric: "cost_usd", margin: 0.15 },
        { metric: "error", margin: 0.02 },
        { metric: "latency_ms", margin: 0.25 },
      ],
    },
  });
  await maker.play(bot, 620, ({ prompt }) =>
    prompt === WARM.prompt ? { rate: 0.68, costUsd: 0.022 } : { rate: 0.625, costUsd: 0.021 },
  );
  return experiment?.id as string;
}

/** One whose promotion waits for a person. */
async function triage(maker: Maker): Promise<string> {
  const bot = await maker.open("triage", SMALL);
  const { experiment } = await bot.challenge(BRIEF, {
    share: 0.4,
    horizon: 1000,
    promotion: "approve",
    label: "large",
  });
  await maker.play(bot, 400, ({ model }) => ({ rate: model === "m-small" ? 0.45 : 0.7 }));
  return experiment?.id as string;
}

/** One that a guardrail aborted. */
async function billing(maker: Maker): Promise<string> {
  const bot = await maker.open("billing", BRIEF);
  const { experiment } = await bot.challenge(WARM, {
    share: 0.5,
    horizon: 1200,
    label: "warm",
    policy: { guardrails: [{ metric: "cost_usd", margin: 0.1 }], alphaHarm: 0.01 },
  });
  await maker.play(bot, 500, ({ prompt }) => (prompt === WARM.prompt ? { costUsd: 0.034, rate: 0.64 } : {}));
  return experiment?.id as string;
}

/** One arm loses outcomes: enough to be told of, not yet enough to abort. */
async function router(maker: Maker): Promise<string> {
  const bot = await maker.open("router", BRIEF);
  const { experiment } = await bot.challenge(WARM, {
    share: 0.5,
    horizon: 2000,
    label: "warm",
    policy: { futility: null },
  });
  await maker.play(bot, 200, () => ({}));
  let losses = 0;
  for (let index = 0; losses < LOSSES; index += 1) {
    maker.test.clock.advance(MINUTE_MS);
    const session = await bot.session({ unit: `late-${index}` });
    const isLost = session.arm === "challenger" && index % 2 === 0;
    if (isLost) losses += 1;
    await session.end(isLost ? undefined : { score: maker.random.next() < 0.6 ? 1 : 0 });
  }
  maker.test.clock.advance(25 * 60 * MINUTE_MS);
  await maker.test.engine.decide();
  return experiment?.id as string;
}

/** Several challengers with shares that move. */
async function coder(maker: Maker): Promise<string> {
  const bot = await maker.open("coder", THOROUGH);
  const { experiment } = await bot.challenge([BRIEF, WARM, SMALL], {
    share: "adaptive",
    horizon: 1800,
    hypothesis: "One of the shorter prompts does better.",
  });
  await maker.play(bot, 640, ({ prompt, model }) => ({
    rate: model === "m-small" ? 0.5 : prompt === WARM.prompt ? 0.7 : 0.6,
  }));
  return experiment?.id as string;
}

/** Every state, on a virtual clock: the same world each time. */
export async function dashboardWorld(url?: string): Promise<DashboardWorld> {
  const test = await createTestEngine({ seed: 11, ...(url === undefined ? {} : { url }) });
  const maker = new Maker(test);
  const experiments = {
    billing: await billing(maker),
    router: await router(maker),
    triage: await triage(maker),
    coder: await coder(maker),
    support: await support(maker),
  };
  await maker.open("onboarding", BRIEF);
  const drafts = await maker.open("search", BRIEF);
  await drafts.draft(WARM, { share: 0.2, hypothesis: "To be tried next week.", owner: "lin" });
  const { sessions } = await test.engine.sessions({ project: "support", limit: 1 });
  return { test, experiments, session: sessions[0]?.id as string };
}

/**
 * A language-model middleware that runs the model calls of a session by the session's config, and records what they took.
 */
import type { LanguageModelMiddleware } from "ai";
import { currentSession } from "../../engine/sessions/current-session.js";
import type { Session } from "../../engine/sessions/session.js";
import { type MeteredCall, meterOf } from "../run-meter.js";
import { type RunSettings, runSettings } from "../run-settings.js";
import { checkPrices, type PriceTable, priceOf } from "../token-usage.js";
import { meteredGenerate, meteredStream } from "./metered-call.js";
import { applied, type ModelCall, type ModelV3 } from "./model-call.js";

/** What an adapter needs of a project; a `Project` of the library or of the HTTP client. */
export interface ConfiguredProject<Config> {
  readonly key: string;
  /** the champion's config, as last known */
  readonly champion: Config;
}

/** How configs become model calls, and what is told of them. */
export interface ModelOptions<Config> {
  /** the model of a name; default: the model the middleware is put around, whatever the config says */
  readonly model?: (name: string, config: Config) => ModelV3;
  /** what a config asks for; default: {@link runSettings}, by the names of its fields */
  readonly settings?: (config: Config) => RunSettings;
  /** prices by model, as the config or the provider calls it; without one no `cost_usd` is recorded */
  readonly prices?: PriceTable;
  /** a clock that never goes back, in milliseconds; default: `performance.now` */
  readonly now?: () => number;
}

/** A model call by whoever runs it. */
interface Directed {
  readonly model: ModelV3;
  readonly call: ModelCall;
  readonly meter: MeteredCall | null;
}

/** Calls that a middleware is at work on: one within another must neither apply a config nor count again. */
const atWork = new WeakSet<ModelCall>();

async function whileAtWork<T>(call: ModelCall, run: () => PromiseLike<T>): Promise<T> {
  atWork.add(call);
  try {
    return await run();
  } finally {
    atWork.delete(call);
  }
}

/** The middleware's way with a call, whole or in parts. */
export function middlewareOf(direct: (model: ModelV3, call: ModelCall) => Directed): LanguageModelMiddleware {
  return {
    specificationVersion: "v3",
    async wrapGenerate({ doGenerate, params, model: base }) {
      if (atWork.has(params)) return doGenerate();
      const { model, call, meter } = direct(base, params);
      const run = () => whileAtWork(call, () => model.doGenerate(call));
      return meter ? meteredGenerate(meter, run) : run();
    },
    async wrapStream({ doStream, params, model: base }) {
      if (atWork.has(params)) return doStream();
      const { model, call, meter } = direct(base, params);
      const run = () => whileAtWork(call, () => model.doStream(call));
      return meter ? meteredStream(meter, run) : run();
    },
  };
}

/** The clock where none is given. */
export const monotonicNow = (): number => performance.now();

/**
 * A middleware for `wrapLanguageModel`. Within a session of the project (in a wrapped call or `session.run`) model calls
 * are made by the session's config, and what they took is recorded once, when the session ends: `input_tokens`,
 * `output_tokens`, `total_tokens`, `cached_tokens`, `cost_usd`, `latency_ms`, `time_to_first_token_ms`, `steps`,
 * `model_errors`, `finish_stop`, and `error` where the last call failed. A total of which a part is not told is left out.
 *
 * Outside of one they are made by the champion's config, and nothing is recorded: use `sessionAgent` where nobody else
 * starts the session. What a config asks for is done or fails: nothing takes the place of a model that is not there.
 *
 * @throws DethroneError `settings_invalid` for prices that are none; a model call rejects with `config_invalid` where the
 *   config cannot be read
 * @example
 * const model = wrapLanguageModel({ model: openai("m-large"), middleware: sessionMiddleware(bot, { model: openai }) });
 * const answer = bot.wrap((session, question: string) => generateText({ model, prompt: question }));
 */
export function sessionMiddleware<Config>(
  project: ConfiguredProject<Config>,
  options: ModelOptions<Config> = {},
): LanguageModelMiddleware {
  const { prices = {}, now = monotonicNow, settings = runSettings, model: resolve } = options;
  checkPrices(prices);
  return middlewareOf((base, params) => {
    const current = currentSession() as Session<Config, unknown> | undefined;
    const session = current?.project === project.key ? current : undefined;
    const config = session ? session.config : project.champion;
    const asked = settings(config);
    const model = asked.model === undefined || !resolve ? base : resolve(asked.model, config);
    const call = applied(params, asked);
    const price = priceOf(prices, asked.model, model.modelId);
    const meter = session ? meterOf(session, now).begin(price) : null;
    return { model, call, meter };
  });
}

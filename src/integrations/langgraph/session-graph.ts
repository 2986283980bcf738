/**
 * A graph of LangGraph of which every run is a session.
 */

import type { Project } from "../../engine/project.js";
import { RecentMap } from "../../engine/recent-map.js";
import type { Session } from "../../engine/sessions/session.js";
import { meterOf } from "../run-meter.js";
import { type RunSettings, runSettings } from "../run-settings.js";
import { abortSignalOf, type SessionHooks, sessionHooks } from "../session-hooks.js";
import { checkPrices, type PriceTable, priceOf } from "../token-usage.js";
import { ModelCallbacks } from "./model-callbacks.js";

/** What runs as a compiled graph does, by structure. */
export interface Graph {
  invoke(input: never, options?: never): Promise<unknown>;
  stream(input: never, options?: never): Promise<unknown>;
}

type InputOf<G extends Graph> = Parameters<G["invoke"]>[0];
type StateOf<G extends Graph> = Awaited<ReturnType<G["invoke"]>>;

/** How the runs of a graph become sessions, and what the code brings beside the config. */
export interface SessionGraphOptions<Config, G extends Graph>
  extends SessionHooks<readonly [input: InputOf<G>, ...rest: unknown[]]> {
  /** makes the graph of a config, once for its sessions: with what the config asks for, which `settings` has checked */
  readonly graph: (settings: RunSettings, config: Config) => G | Promise<G>;
  /** what a config asks for; default: `runSettings`, by the names of its fields */
  readonly settings?: (config: Config) => RunSettings;
  /** prices by model, as LangChain calls it, or the config where LangChain tells no name; without one no `cost_usd` is recorded */
  readonly prices?: PriceTable;
  /** how it went: boolean, [0, 1], or undefined to leave it to signals; asked of runs that came to their end */
  readonly score?: (
    state: StateOf<G>,
    input: InputOf<G>,
  ) => number | boolean | undefined | Promise<number | boolean | undefined>;
  /** a clock that never goes back, in milliseconds; default: `performance.now` */
  readonly now?: () => number;
}

/** As much of LangChain's options of a run as are added to. */
interface RunOptions {
  readonly signal?: AbortSignal;
  readonly callbacks?: unknown;
}

/** A manager of callbacks, in place of a list of them. */
interface CallbackManager {
  copy(additional: readonly unknown[]): unknown;
}

/** The host's callbacks, and ours. */
function withCallbacks(given: unknown, own: ModelCallbacks): unknown {
  if (given === undefined || Array.isArray(given)) return [...(given ?? []), own];
  return (given as CallbackManager).copy([own]);
}

/** Graphs of so many configs are kept. */
const GRAPH_COUNT = 100;

/**
 * A graph's `invoke` and `stream` of which every run is a session of the project, on the graph of the session's config. It
 * is scored and ended with its result, or with its stream. Within a session of the same project a run is a part of that
 * one, which it neither scores nor ends.
 *
 * Recorded once a session, all models of the graph together: `input_tokens`, `output_tokens`, `total_tokens`,
 * `cached_tokens`, `cost_usd`, `latency_ms`, `time_to_first_token_ms` of models that stream, `steps`, `model_errors`,
 * `finish_stop`, and `error` where the run failed. A total of which a part is not told is left out. A stream that is left
 * before its end is not scored; a run that fails scores 0.
 *
 * @throws DethroneError `settings_invalid` for prices or a timeout that are none; a run rejects with `config_invalid` where
 *   the config cannot be read
 * @example
 * const support = sessionGraph(bot, {
 *   graph: ({ model, instructions }) => createReactAgent({ llm: chatModel(model), tools, prompt: instructions }),
 * });
 * const { messages } = await support.invoke({ messages: [{ role: "user", content: "Where is my order?" }] });
 */
export function sessionGraph<Config, G extends Graph>(
  project: Pick<Project<Config, unknown>, "wrap">,
  options: SessionGraphOptions<Config, G>,
): Pick<G, "invoke" | "stream"> {
  const { settings = runSettings, prices = {}, now = () => performance.now(), timeoutMs, score } = options;
  checkPrices(prices);
  const graphs = new RecentMap<string, Promise<G>>(GRAPH_COUNT);
  const graphOf = ({ config, configHash }: Session<Config, unknown>): Promise<G> => {
    const made = graphs.get(configHash) ?? (async () => options.graph(settings(config), config))();
    graphs.set(configHash, made);
    // One that could not be made is tried again by the next session.
    made.catch(() => graphs.delete(configHash));
    return made;
  };
  const wrapped = (verb: "invoke" | "stream") => {
    const run = project.wrap(
      async (
        session: Session<Config, unknown>,
        input: InputOf<G>,
        given: RunOptions | undefined,
        watched: ModelCallbacks[],
      ): Promise<unknown> => {
        const graph = await graphOf(session);
        const { model } = settings(session.config);
        const own = new ModelCallbacks(meterOf(session, now), (name) => priceOf(prices, name ?? model));
        watched.push(own);
        const signal = abortSignalOf(session, given?.signal, timeoutMs);
        const callbacks = withCallbacks(given?.callbacks, own);
        return graph[verb](input, { ...given, callbacks, ...(signal && { signal }) } as never);
      },
      {
        ...sessionHooks<readonly [input: InputOf<G>, ...rest: unknown[]]>(options),
        score: (_result, input, _given, [own]) =>
          own?.outcome && score?.(own.outcome.state as StateOf<G>, input),
      },
    );
    return (input: InputOf<G>, given?: RunOptions) => run(input, given, []);
  };
  return { invoke: wrapped("invoke"), stream: wrapped("stream") } as unknown as Pick<G, "invoke" | "stream">;
}

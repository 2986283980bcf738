/**
 * Runs of an agent of the OpenAI Agents SDK, each of them a session.
 */
import type {
  Model,
  NonStreamRunOptions,
  Runner,
  RunResult,
  run,
  StreamedRunResult,
  StreamRunOptions,
} from "@openai/agents";
import type { Project } from "../../engine/project.js";
import type { Session } from "../../engine/sessions/session.js";
import { abortSignalOf, type SessionHooks, sessionHooks } from "../session-hooks.js";
import { agentSettings } from "./agent-settings.js";
import { type SessionModelOptions, sessionModel } from "./session-model.js";

/** An agent of any context and output. */
export type AnyAgent = Parameters<typeof run>[0];

/** What an agent is run on: a text, items, or the state of a run that goes on. */
type Input<A extends AnyAgent, Context> = Parameters<typeof run<A, Context>>[1];

type Options<A extends AnyAgent, Context> = NonStreamRunOptions<Context, A> | StreamRunOptions<Context, A>;

type Result<A extends AnyAgent, Context> = RunResult<Context, A> | StreamedRunResult<Context, A>;

/** The SDK's `run` of one agent: the input, and the options of a run. */
export interface SessionRun<A extends AnyAgent, Context> {
  (input: Input<A, Context>, options?: NonStreamRunOptions<Context, A>): Promise<RunResult<Context, A>>;
  (input: Input<A, Context>, options: StreamRunOptions<Context, A>): Promise<StreamedRunResult<Context, A>>;
}

/** How the runs of an agent become sessions, and what the code brings beside the config. */
export interface SessionRunOptions<Config, A extends AnyAgent, Context>
  extends Omit<SessionModelOptions<Config>, "model">,
    SessionHooks<readonly [input: Input<A, Context>, ...rest: unknown[]]> {
  /** the SDK's runner: its provider of models, hooks and guardrails are those of the runs */
  readonly runner: Pick<Runner, "config" | "run">;
  /** makes the agent, once; `model` answers by the session's config, for the agent itself or those it hands over to */
  readonly agent: (model: Model) => A;
  /** default: the runner's provider */
  readonly model?: SessionModelOptions<Config>["model"];
  /** how it went: boolean, [0, 1], or undefined to leave it to signals; asked of runs that came to their end */
  readonly score?: (
    result: Result<A, Context>,
    input: Input<A, Context>,
  ) => number | boolean | undefined | Promise<number | boolean | undefined>;
}

/** A stream without parts that stands for a run under way: it closes or fails as the run does. */
const endOf = (completed: Promise<void>): ReadableStream<never> =>
  new ReadableStream({
    start(controller) {
      completed.then(
        () => controller.close(),
        (error: unknown) => controller.error(error),
      );
    },
  });

/**
 * The SDK's `run` for one agent of which every run is a session of the project: it runs by the session's config (model,
 * instructions, tools, steps, model settings), and is scored and ended with its result, or when it has streamed to its
 * end. Within a session of the same project a run is a part of that one, which it neither scores nor ends.
 *
 * Recorded once a session, all answers of the models that `agent` was given: `input_tokens`, `output_tokens`,
 * `total_tokens`, `cached_tokens`, `cost_usd`, `latency_ms`, `time_to_first_token_ms`, `steps`, `model_errors`,
 * `finish_stop`, and `error` where the run failed. A total of which a part is not told is left out. A stream that is left
 * or aborted is not scored; a run that fails scores 0.
 *
 * @throws DethroneError `settings_invalid` for prices or a timeout that are none; a run rejects with `config_invalid` where
 *   the config cannot be read
 * @example
 * const support = sessionRun(bot, {
 *   runner: new Runner(),
 *   agent: (model) => new Agent({ name: "support", model, tools: [lookup] }),
 * });
 * const { finalOutput } = await support("Where is my order?");
 */
export function sessionRun<Config, A extends AnyAgent, Context = undefined>(
  project: Pick<Project<Config, unknown>, "key" | "champion" | "wrap">,
  options: SessionRunOptions<Config, A, Context>,
): SessionRun<A, Context> {
  const { runner, settings = agentSettings, prices, now, score, timeoutMs } = options;
  const { model = (name?: string) => runner.config.modelProvider.getModel(name) } = options;
  const agent = options.agent(
    sessionModel(project, { model, settings, ...(prices && { prices }), ...(now && { now }) }),
  );
  const wrapped = project.wrap(
    async (
      session: Session<Config, unknown>,
      input: Input<A, Context>,
      given: Options<A, Context>,
      handed: Result<A, Context>[],
    ): Promise<Result<A, Context> | ReadableStream<never>> => {
      const { maxSteps } = settings(session.config);
      const signal = abortSignalOf(session, given.signal, timeoutMs);
      const own = {
        ...given,
        ...(signal && { signal }),
        ...(maxSteps !== undefined && { maxTurns: maxSteps }),
      };
      const result: Result<A, Context> = given.stream
        ? await runner.run<A, Context>(agent, input, own as StreamRunOptions<Context, A>)
        : await runner.run<A, Context>(agent, input, own as NonStreamRunOptions<Context, A>);
      handed.push(result);
      return "completed" in result ? endOf(result.completed) : result;
    },
    {
      ...sessionHooks(options),
      score: (_ending, input, _given, [result]) =>
        !result || ("cancelled" in result && result.cancelled) ? undefined : score?.(result, input),
    },
  );
  const start = async (input: Input<A, Context>, given: Options<A, Context> = {}) => {
    const handed: Result<A, Context>[] = [];
    await wrapped(input, given, handed);
    return handed[0];
  };
  return start as SessionRun<A, Context>;
}

/**
 * An agent of the AI SDK of which every run is a session.
 */
import {
  type Agent,
  type AgentCallParameters,
  type AgentStreamParameters,
  type FinishReason,
  type GenerateTextResult,
  type LanguageModelUsage,
  type OutputInterface,
  type StepResult,
  type StreamTextResult,
  stepCountIs,
  ToolLoopAgent,
  type ToolLoopAgentSettings,
  type ToolSet,
  wrapLanguageModel,
} from "ai";
import type { Project } from "../../engine/project.js";
import type { Session } from "../../engine/sessions/session.js";
import { RunMeter } from "../run-meter.js";
import { runSettings } from "../run-settings.js";
import { abortSignalOf, type SessionHooks, sessionHooks } from "../session-hooks.js";
import { checkPrices, priceOf, recordAll } from "../token-usage.js";
import { type ModelOptions, middlewareOf, monotonicNow } from "./middleware.js";
import type { ModelV3 } from "./model-call.js";
import { WatchedRun } from "./watched-run.js";

/** A run that came to its end, whether it was streamed or not. */
export interface FinishedRun<TOOLS extends ToolSet> {
  /** of the last step */
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly totalUsage: LanguageModelUsage;
  readonly steps: readonly StepResult<TOOLS>[];
}

type Score = number | boolean | undefined;

/** How the runs of an agent become sessions, and what the code brings beside the config. */
export interface SessionAgentOptions<
  Config,
  CALL_OPTIONS,
  TOOLS extends ToolSet,
  OUTPUT extends OutputInterface,
> extends Omit<ModelOptions<Config>, "model">,
    SessionHooks<readonly [call: AgentCallParameters<CALL_OPTIONS, TOOLS>, ...rest: unknown[]]> {
  /** the model of the name that the config gives; undefined where it gives none */
  readonly model: (name: string | undefined, config: Config) => ModelV3;
  /** settings of the SDK's `ToolLoopAgent`: its tools, and whatever the config leaves open */
  readonly agent?: Omit<ToolLoopAgentSettings<CALL_OPTIONS, TOOLS, OUTPUT>, "model">;
  /** how it went: boolean, [0, 1], or undefined to leave it to signals; asked of runs that came to their end */
  readonly score?: (
    run: FinishedRun<TOOLS>,
    call: AgentCallParameters<CALL_OPTIONS, TOOLS>,
  ) => Score | Promise<Score>;
}

const asList = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** Aborts where the call's own signal does, or the session's once it has taken too long. */
function aborting(
  session: Session<unknown, unknown>,
  call: { readonly abortSignal?: AbortSignal },
  timeoutMs: number | undefined,
): { abortSignal?: AbortSignal } {
  const abortSignal = abortSignalOf(session, call.abortSignal, timeoutMs);
  return abortSignal ? { abortSignal } : {};
}

/** The SDK's agent of one session. */
function agentOf<Config, CALL_OPTIONS, TOOLS extends ToolSet, OUTPUT extends OutputInterface>(
  config: Config,
  options: SessionAgentOptions<Config, CALL_OPTIONS, TOOLS, OUTPUT>,
  meter: RunMeter,
  onFinish?: (run: FinishedRun<TOOLS>) => void,
): ToolLoopAgent<CALL_OPTIONS, TOOLS, OUTPUT> {
  const { settings = runSettings, agent, prices = {} } = options;
  const { model: name, tools, maxSteps, ...asked } = settings(config);
  const middleware = middlewareOf((model, call) => {
    return { model, call, meter: meter.begin(priceOf(prices, name, model.modelId)) };
  });
  const made = {
    ...agent,
    ...asked,
    ...(tools && { activeTools: tools }),
    ...(maxSteps !== undefined && { stopWhen: stepCountIs(maxSteps) }),
    model: wrapLanguageModel({ model: options.model(name, config), middleware }),
    onFinish: async (run: Parameters<NonNullable<NonNullable<typeof agent>["onFinish"]>>[0]) => {
      onFinish?.(run);
      await agent?.onFinish?.(run);
    },
  };
  // A config's lists are read-only and its tools are names; the SDK wants lists it could change, and keys of TOOLS.
  return new ToolLoopAgent(made as unknown as ToolLoopAgentSettings<CALL_OPTIONS, TOOLS, OUTPUT>);
}

/**
 * An agent for whatever takes an `Agent` of the SDK (or `generate` and `stream` by hand), of which every run is a session
 * of the project: it runs by the session's config, and is scored and ended with its result, or with its stream. Within a
 * session of the same project a run is a part of that one, which it neither scores nor ends.
 *
 * Recorded once a run, all steps of a tool loop together: see {@link sessionMiddleware}. A stream that is left before its
 * end, or aborted, is not scored; one that fails scores 0, as a call that throws does.
 *
 * @throws DethroneError `settings_invalid` for prices or a timeout that are none; a run rejects with `config_invalid` where
 *   the config cannot be read
 * @example
 * const support = sessionAgent(bot, { model: (name = "m-large") => openai(name), agent: { tools } });
 * const { text } = await support.generate({ prompt: "Where is my order?" });
 */
export function sessionAgent<
  Config,
  CALL_OPTIONS = never,
  TOOLS extends ToolSet = Record<never, never>,
  OUTPUT extends OutputInterface = never,
>(
  project: Pick<Project<Config, unknown>, "champion" | "wrap">,
  options: SessionAgentOptions<Config, CALL_OPTIONS, TOOLS, OUTPUT>,
): Agent<CALL_OPTIONS, TOOLS, OUTPUT> {
  type Call = AgentCallParameters<CALL_OPTIONS, TOOLS>;
  type StreamCall = AgentStreamParameters<CALL_OPTIONS, TOOLS>;
  type Result = StreamTextResult<TOOLS, OUTPUT>;
  const { timeoutMs, score, agent, now = monotonicNow } = options;
  checkPrices(options.prices ?? {});
  const hooks = sessionHooks<readonly [call: Call, ...rest: unknown[]]>(options);
  const metered = (session: Session<Config, unknown>): { meter: RunMeter; record: () => void } => {
    const meter = new RunMeter(now);
    const record = (): void => recordAll(session, meter.take());
    // Whoever it is a part of may end the session before the run has ended.
    session.beforeEnd(record);
    return { meter, record };
  };

  const generate = project.wrap(
    async (session: Session<Config, unknown>, call: Call): Promise<GenerateTextResult<TOOLS, OUTPUT>> => {
      const { meter, record } = metered(session);
      try {
        const made = agentOf(session.config, options, meter);
        return await made.generate({ ...call, ...aborting(session, call, timeoutMs) });
      } finally {
        record();
      }
    },
    { ...hooks, score: (result, call) => score?.(result, call) },
  );

  const stream = project.wrap(
    async (
      session: Session<Config, unknown>,
      call: StreamCall,
      run: WatchedRun<FinishedRun<TOOLS>>,
      hand: (result: Result) => void,
    ): Promise<ReadableStream<never>> => {
      const { meter, record } = metered(session);
      const made = agentOf(session.config, options, meter, (outcome) => run.finish(outcome));
      const result = await made.stream({
        ...call,
        ...aborting(session, call, timeoutMs),
        experimental_transform: [...asList(call.experimental_transform), run.transform<TOOLS>()],
      });
      hand(run.watch(result, { runInContext: (fn) => session.run(fn), onOver: record }));
      return run.ending;
    },
    { ...hooks, score: (_ending, call, run) => run.outcome && score?.(run.outcome, call) },
  );

  return {
    version: "agent-v1",
    id: agent?.id,
    tools: (agent?.tools ?? {}) as TOOLS,
    generate,
    async stream(call) {
      const run = new WatchedRun<FinishedRun<TOOLS>>();
      const handed: Result[] = [];
      run.follow(await stream(call, run, (result) => handed.push(result)));
      return handed[0] as Result;
    },
  };
}

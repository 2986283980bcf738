/**
 * Tokens and cost of model calls, in the words of any framework: each tells its usage in another shape.
 */
import { DethroneError, received } from "../core/errors.js";
import type { Session, SignalInput } from "../engine/sessions/session.js";

/** Tokens of one model call, or of several together; null where they were not told. */
export interface TokenUsage {
  /** all of the prompt, read from a cache or not */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** the part of `inputTokens` that was read from a cache */
  readonly cachedTokens: number | null;
  /** the part of `inputTokens` that was written to a cache */
  readonly cacheWriteTokens: number | null;
}

/** What a model's tokens cost, in USD per million. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  /** of input that was read from a cache; default: as `input` */
  readonly cachedInput?: number;
  /** of input that was written to a cache; default: as `input` */
  readonly cacheWrite?: number;
}

/** Prices by the model's name. */
export type PriceTable = Readonly<Record<string, TokenPrice>>;

type Path = readonly string[];

/** Where the frameworks tell a number; the first path with one counts. */
const PATHS: Record<"input" | "output" | "cached" | "cacheWrite", readonly Path[]> = {
  input: [["inputTokens", "total"], ["inputTokens"], ["input_tokens"], ["prompt_tokens"], ["promptTokens"]],
  output: [
    ["outputTokens", "total"],
    ["outputTokens"],
    ["output_tokens"],
    ["completion_tokens"],
    ["completionTokens"],
  ],
  cached: [
    ["inputTokens", "cacheRead"],
    ["inputTokenDetails", "cacheReadTokens"],
    ["inputTokensDetails", "cached_tokens"],
    ["input_tokens_details", "cached_tokens"],
    ["prompt_tokens_details", "cached_tokens"],
    ["input_token_details", "cache_read"],
    ["cachedInputTokens"],
    ["cache_read_input_tokens"],
  ],
  cacheWrite: [
    ["inputTokens", "cacheWrite"],
    ["inputTokenDetails", "cacheWriteTokens"],
    ["input_token_details", "cache_creation"],
    ["cache_creation_input_tokens"],
  ],
};

/** The number at a path; of a list on the way, the sum of what its elements have there. */
function at(source: unknown, path: Path): unknown {
  if (Array.isArray(source)) {
    const found = source.map((each) => at(each, path)).filter((value) => Number.isFinite(value));
    return found.length === 0 ? undefined : (found as number[]).reduce((sum, value) => sum + value, 0);
  }
  const [name, ...rest] = path;
  return name === undefined ? source : at(Object(source)[name], rest);
}

function tokensAt(source: unknown, paths: readonly Path[]): number | null {
  const found = paths.map((path) => at(source, path)).find((value) => Number.isFinite(value));
  return found === undefined || (found as number) < 0 ? null : (found as number);
}

/** Anthropic's own count leaves out of `input_tokens` what its cache read and wrote. */
const hasCacheBeside = (usage: unknown): boolean =>
  ["cache_read_input_tokens", "cache_creation_input_tokens"].some(
    (name) => Object(usage)[name] !== undefined,
  );

/** No tokens at all. */
export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
};

/** Tokens that were not told. */
export const UNKNOWN_TOKENS: TokenUsage = {
  inputTokens: null,
  outputTokens: null,
  cachedTokens: null,
  cacheWriteTokens: null,
};

/** A sum that is not known once a part of it is not. */
export const plus = (sum: number | null, part: number | null): number | null =>
  sum === null || part === null ? null : sum + part;

/** The tokens of two calls together. */
export function addTokens(sum: TokenUsage, usage: TokenUsage): TokenUsage {
  return {
    inputTokens: plus(sum.inputTokens, usage.inputTokens),
    outputTokens: plus(sum.outputTokens, usage.outputTokens),
    cachedTokens: plus(sum.cachedTokens, usage.cachedTokens),
    cacheWriteTokens: plus(sum.cacheWriteTokens, usage.cacheWriteTokens),
  };
}

/**
 * The tokens of a usage object of OpenAI, Anthropic, the Vercel AI SDK, OpenAI Agents or LangChain.
 *
 * @param usage the object as the framework tells it, or a list of them; whatever has no such numbers has null for them
 * @example
 * tokenUsage({ prompt_tokens: 12, completion_tokens: 3 }).inputTokens; // 12
 */
export function tokenUsage(usage: unknown): TokenUsage {
  if (Array.isArray(usage)) return usage.map(tokenUsage).reduce(addTokens, NO_TOKENS);
  const inputTokens = tokensAt(usage, PATHS.input);
  const cachedTokens = tokensAt(usage, PATHS.cached);
  const cacheWriteTokens = tokensAt(usage, PATHS.cacheWrite);
  const beside = hasCacheBeside(usage) ? (cachedTokens ?? 0) + (cacheWriteTokens ?? 0) : 0;
  return {
    inputTokens: inputTokens === null ? null : inputTokens + beside,
    outputTokens: tokensAt(usage, PATHS.output),
    cachedTokens,
    cacheWriteTokens,
  };
}

/** What the tokens cost in USD; null where input or output was not told, or nobody knows the price. */
export function costUsd(usage: TokenUsage, price: TokenPrice | undefined): number | null {
  const { inputTokens, outputTokens } = usage;
  if (price === undefined || inputTokens === null || outputTokens === null) return null;
  const { input, output, cachedInput = input, cacheWrite = input } = price;
  const cached = usage.cachedTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  const fresh = Math.max(0, inputTokens - cached - written);
  return (fresh * input + cached * cachedInput + written * cacheWrite + outputTokens * output) / 1e6;
}

/** The price of a model by the first of its names that has one. */
export function priceOf(
  prices: PriceTable,
  ...names: readonly (string | undefined)[]
): TokenPrice | undefined {
  const name = names.find((each) => each !== undefined && Object.hasOwn(prices, each));
  return name === undefined ? undefined : prices[name];
}

/** @throws DethroneError `settings_invalid` */
export function checkPrices(prices: PriceTable): void {
  for (const [model, price] of Object.entries(prices)) {
    const { input, output, cachedInput = 0, cacheWrite = 0 } = Object(price) as Partial<TokenPrice>;
    const isPrice = (value: unknown): boolean => typeof value === "number" && value >= 0 && value < Infinity;
    if ([input, output, cachedInput, cacheWrite].every(isPrice)) continue;
    throw new DethroneError(
      "settings_invalid",
      `The price of '${model}' must be { input, output, cachedInput?, cacheWrite? }, each a number of USD per million tokens.`,
      { field: `prices.${model}`, received: received(price) },
    );
  }
}

/** Tokens and cost as signals, leaving out what is not known. */
export function tokenSignals(usage: TokenUsage, cost: number | null): SignalInput[] {
  const { inputTokens, outputTokens, cachedTokens } = usage;
  const total = inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens;
  const values = {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: total,
    cached_tokens: cachedTokens,
    cost_usd: cost,
  };
  return Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

/** Records signals behind the host's back. */
export function recordAll(session: Pick<Session, "signal">, signals: readonly SignalInput[]): void {
  // Where nothing can be recorded of a session, its start has been counted and logged as such.
  for (const signal of signals) session.signal(signal).catch(() => undefined);
}

/** Records what a run has used, behind the host's back. */
export type RecordUsage = (session: Pick<Session, "signal">, usage: unknown, model?: string) => void;

/**
 * For runs of any framework that tells its usage: records `input_tokens`, `output_tokens`, `total_tokens`, `cached_tokens`
 * and `cost_usd`, and leaves out what is not told. It never throws and nobody waits for it; what is recorded before the
 * session ends counts.
 *
 * @param prices by the model's name; without a price no cost is recorded
 * @throws DethroneError `settings_invalid` where a price is none
 * @example
 * const recordUsage = usageRecorder({ "m-large": { input: 3, output: 15 } });
 * recordUsage(session, result.usage, session.config.model);
 */
export function usageRecorder(prices: PriceTable = {}): RecordUsage {
  checkPrices(prices);
  return (session, usage, model) => {
    const tokens = tokenUsage(usage);
    recordAll(session, tokenSignals(tokens, costUsd(tokens, priceOf(prices, model))));
  };
}

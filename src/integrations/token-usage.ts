/**
 * Tokens and cost of model calls, in the words of any framework: each tells its usage in another shape.
 */
import { DethroneError, received } from "../core/errors.js";
import type { SignalInput } from "../engine/sessions/session.js";

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

function at(source: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => Object(value)[name], source);
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

/**
 * The tokens of a usage object of OpenAI, Anthropic, the Vercel AI SDK, OpenAI Agents or LangChain.
 *
 * @param usage the object as the framework tells it; whatever has no such numbers has null for them
 * @example
 * tokenUsage({ prompt_tokens: 12, completion_tokens: 3 }).inputTokens; // 12
 */
export function tokenUsage(usage: unknown): TokenUsage {
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

/**
 * The signals of a run whose framework tells its usage: `input_tokens`, `output_tokens`, `total_tokens`,
 * `cached_tokens`, `cost_usd`; what is not told is left out.
 *
 * @param usage as the framework tells it, see {@link tokenUsage}
 * @param price of the model that was used; without it no cost is told
 * @throws DethroneError `settings_invalid` where the price is none
 * @example
 * for (const signal of usageSignals(result.usage, { input: 3, output: 15 })) await session.signal(signal);
 */
export function usageSignals(usage: unknown, price?: TokenPrice): SignalInput[] {
  if (price !== undefined) checkPrices({ model: price });
  const tokens = tokenUsage(usage);
  return tokenSignals(tokens, costUsd(tokens, price));
}

import { describe, expect, it } from "vitest";
import { costUsd, tokenUsage, usageRecorder } from "../../../src/integrations/token-usage.js";
import { usageOf } from "../../support/ai-models.js";

describe("tokenUsage", () => {
  it.each<[string, unknown, (number | null)[]]>([
    ["AI SDK, of a provider", usageOf(10, 5, 4), [10, 5, 4, null]],
    [
      "AI SDK, of a result",
      { inputTokens: 10, outputTokens: 5, inputTokenDetails: { cacheReadTokens: 4, cacheWriteTokens: 2 } },
      [10, 5, 4, 2],
    ],
    [
      "OpenAI chat",
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
      [10, 5, 4, null],
    ],
    [
      "OpenAI responses",
      { input_tokens: 10, output_tokens: 5, input_tokens_details: { cached_tokens: 4 } },
      [10, 5, 4, null],
    ],
    ["OpenAI Agents", { inputTokens: 10, outputTokens: 5, totalTokens: 15 }, [10, 5, null, null]],
    [
      "Anthropic, whose cache counts beside",
      { input_tokens: 4, output_tokens: 5, cache_read_input_tokens: 4, cache_creation_input_tokens: 2 },
      [10, 5, 4, 2],
    ],
    [
      "LangChain",
      { input_tokens: 10, output_tokens: 5, input_token_details: { cache_read: 4, cache_creation: 2 } },
      [10, 5, 4, 2],
    ],
    [
      "OpenAI Agents, details by request",
      {
        inputTokens: 30,
        outputTokens: 5,
        inputTokensDetails: [{ cached_tokens: 4 }, {}, { cached_tokens: 3 }],
      },
      [30, 5, 7, null],
    ],
    ["several calls", [usageOf(10, 5, 4), usageOf(1, 2, 0)], [11, 7, 4, null]],
    ["several calls, one of which is silent", [usageOf(10, 5), {}], [null, null, null, null]],
    ["nothing", undefined, [null, null, null, null]],
    ["nonsense", { input_tokens: -1, output_tokens: "5" }, [null, null, null, null]],
  ])("reads the usage of %s", (_name, usage, expected) => {
    const { inputTokens, outputTokens, cachedTokens, cacheWriteTokens } = tokenUsage(usage);
    expect([inputTokens, outputTokens, cachedTokens, cacheWriteTokens]).toEqual(expected);
  });
});

describe("costUsd", () => {
  const usage = { inputTokens: 1e6, outputTokens: 1e5, cachedTokens: 4e5, cacheWriteTokens: 1e5 };

  it("is the sum of the parts at their prices, in USD per million tokens", () => {
    expect(costUsd(usage, { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75 })).toBeCloseTo(
      0.5 * 3 + 0.4 * 0.3 + 0.1 * 3.75 + 0.1 * 15,
      12,
    );
  });

  it("a cache without a price of its own costs as input does", () => {
    expect(costUsd(usage, { input: 3, output: 15 })).toBeCloseTo(3 + 1.5, 12);
  });

  it("is not known without a price, or without a part of the tokens", () => {
    expect(costUsd(usage, undefined)).toBeNull();
    expect(costUsd({ ...usage, outputTokens: null }, { input: 3, output: 15 })).toBeNull();
  });
});

describe("usageRecorder", () => {
  function recording() {
    const signals: object[] = [];
    const session = {
      signal: (signal: object) => {
        signals.push(signal);
        return Promise.reject(new Error("the database is away"));
      },
    };
    return { signals, session };
  }

  it("records what is known, under the names that every adapter uses; that nothing is stored breaks nobody", () => {
    const { signals, session } = recording();
    const recordUsage = usageRecorder({ "m-small": { input: 1, output: 2 } });
    recordUsage(session, { prompt_tokens: 12, completion_tokens: 3 }, "m-small");
    expect(signals).toEqual([
      { name: "input_tokens", value: 12 },
      { name: "output_tokens", value: 3 },
      { name: "total_tokens", value: 15 },
      { name: "cost_usd", value: 18e-6 },
    ]);
  });

  it("tells no cost of a model whose price nobody knows, and nothing of a usage without numbers", () => {
    const { signals, session } = recording();
    const recordUsage = usageRecorder({ "m-small": { input: 1, output: 2 } });
    recordUsage(session, { input_tokens: 1, output_tokens: 1 }, "constructor");
    expect(signals).toHaveLength(3);
    recordUsage(session, undefined);
    expect(signals).toHaveLength(3);
  });

  it("refuses a price that is none", () => {
    expect(() => usageRecorder({ "m-small": { input: Number.NaN, output: 2 } })).toThrow(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { applied, type ModelCall, runSettings } from "../../../src/integrations/ai-sdk/run-settings.js";

describe("runSettings", () => {
  it("takes the fields that it knows and leaves the host's own alone", () => {
    const config = {
      model: "m-large",
      system: "Be brief.",
      tools: ["a"],
      maxSteps: 3,
      seed: 0,
      tone: "warm",
    };
    expect(runSettings(config)).toEqual({
      model: "m-large",
      instructions: "Be brief.",
      tools: ["a"],
      maxSteps: 3,
      seed: 0,
    });
  });

  it("takes `instructions` before `system`, and null for nothing", () => {
    expect(runSettings({ instructions: "a", system: "b", temperature: null })).toEqual({ instructions: "a" });
    expect(runSettings(undefined)).toEqual({});
  });

  it.each([
    ["model", 7],
    ["model", ""],
    ["instructions", ["Be brief."]],
    ["tools", { lookup: true }],
    ["tools", [1]],
    ["maxSteps", 0],
    ["maxOutputTokens", 1.5],
    ["temperature", "0.2"],
    ["stopSequences", "stop"],
    ["providerOptions", []],
  ])("refuses a %s of %j", (field, value) => {
    expect(() => runSettings({ [field]: value })).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        details: expect.objectContaining({ field, received: value }),
      }),
    );
  });
});

describe("applied", () => {
  const user = { role: "user" as const, content: [{ type: "text" as const, text: "Hello" }] };
  const system = (content: string) => ({ role: "system" as const, content });
  const named = (name: string) => ({ type: "function" as const, name, inputSchema: {} });

  it("leaves a call alone that nothing is asked of", () => {
    const call: ModelCall = { prompt: [system("a"), user], temperature: 1, tools: [named("a")] };
    expect(applied(call, {})).toEqual(call);
  });

  it("puts the instructions in the place of those that lead the prompt, and nowhere else", () => {
    const prompt = [system("a"), system("b"), user, system("in between")];
    expect(applied({ prompt }, { instructions: "c" }).prompt).toEqual([
      system("c"),
      user,
      system("in between"),
    ]);
    expect(applied({ prompt: [system("a")] }, { instructions: "c" }).prompt).toEqual([system("c")]);
  });

  it("keeps the choice of a tool that is still there", () => {
    const call: ModelCall = {
      prompt: [user],
      tools: [named("a"), named("b")],
      toolChoice: { type: "tool", toolName: "a" },
    };
    expect(applied(call, { tools: ["a"] })).toMatchObject({
      tools: [named("a")],
      toolChoice: call.toolChoice,
    });
    expect(applied(call, { tools: ["b"] })).toEqual({ prompt: [user], tools: [named("b")] });
    expect(applied(call, { tools: ["c"] })).toEqual({ prompt: [user] });
  });
});

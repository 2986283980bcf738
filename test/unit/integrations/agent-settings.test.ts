import type { ModelRequest, ModelSettings } from "@openai/agents";
import { describe, expect, it } from "vitest";
import { agentSettings, asked } from "../../../src/integrations/openai-agents/agent-settings.js";

describe("agentSettings", () => {
  it("takes the fields that the SDK has a setting for, its own settings last", () => {
    const config = {
      model: "m-large",
      system: "Be thorough.",
      maxSteps: 4,
      maxOutputTokens: 99,
      modelSettings: { temperature: 0.5, reasoning: { effort: "low" } },
      tone: "warm",
    };
    expect(agentSettings(config)).toEqual({
      model: "m-large",
      instructions: "Be thorough.",
      maxSteps: 4,
      modelSettings: { temperature: 0.5, maxTokens: 99, reasoning: { effort: "low" } },
    });
    expect(agentSettings({})).toEqual({});
  });

  it.each([
    ["topK", 4],
    ["seed", 1],
    ["stopSequences", ["."]],
    ["providerOptions", { openai: {} }],
    ["modelSettings", ["low"]],
    ["modelSettings", "low"],
  ])("refuses a %s of %j, which it could not do", (field, value) => {
    expect(() => agentSettings({ [field]: value })).toThrow(
      expect.objectContaining({ code: "config_invalid", details: { field, received: value } }),
    );
  });
});

describe("asked", () => {
  /** A request with two tools, one agent to hand over to, and a choice among them. */
  const request = (modelSettings: ModelSettings): ModelRequest => ({
    input: "Where?",
    systemInstructions: "as the code has it",
    modelSettings,
    tools: ["lookup", "refund"].map((name) => {
      return { type: "hosted_tool", name };
    }),
    handoffs: [
      {
        toolName: "transfer",
        toolDescription: "",
        inputJsonSchema: { type: "object", properties: {}, required: [], additionalProperties: false },
        strictJsonSchema: true,
      },
    ],
    outputType: "text",
    tracing: false,
  });

  it("leaves a request alone that nothing is asked of", () => {
    expect(asked(request({ toolChoice: "lookup" }), {})).toEqual(request({ toolChoice: "lookup" }));
  });

  it.each([
    ["lookup", ["lookup"], "lookup"],
    ["refund", ["lookup"], undefined],
    ["transfer", [], "transfer"],
    ["required", [], "required"],
    ["auto", [], "auto"],
  ])("of a choice of %s, with tools %j, leaves %s", (toolChoice, tools, left) => {
    const { tools: named, modelSettings } = asked(request({ toolChoice, topP: 1 }), { tools });
    expect(named.map(({ name }) => name)).toEqual(tools);
    expect(modelSettings).toEqual({ topP: 1, ...(left && { toolChoice: left }) });
  });

  it("requires no tool where there is none", () => {
    const alone = { ...request({ toolChoice: "required" }), handoffs: [] };
    expect(asked(alone, { tools: [] }).modelSettings).toEqual({});
  });
});

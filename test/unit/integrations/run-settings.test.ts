import { describe, expect, it } from "vitest";
import { runSettings } from "../../../src/integrations/run-settings.js";

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

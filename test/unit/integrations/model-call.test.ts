import { describe, expect, it } from "vitest";
import { applied, type ModelCall } from "../../../src/integrations/ai-sdk/model-call.js";

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

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { DethroneError, JsonObject } from "../../../../src/core/errors.js";
import { type ConfigOf, type ConfigSchema, checkedBySchema } from "../../../../src/engine/configs/schema.js";

async function refusal(schema: StandardSchemaV1, value: unknown): Promise<DethroneError> {
  try {
    await checkedBySchema(schema, value);
  } catch (error) {
    return error as DethroneError;
  }
  throw new Error("accepted");
}

const zodSchema = z.object({
  model: z.string(),
  temperature: z.number().min(0).max(2).default(0.2),
  tools: z.array(z.object({ name: z.string() })).default([]),
});
const valibotSchema = v.object({
  model: v.string(),
  temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(2)), 0.2),
  tools: v.optional(v.array(v.object({ name: v.string() })), []),
});
const arktypeSchema = type({
  model: "string",
  temperature: "0 <= number <= 2 = 0.2",
  tools: type({ name: "string" })
    .array()
    .default(() => []),
});

/** A schema of no library: what validate() is to do. */
const handmade = (validate: (value: unknown) => unknown): StandardSchemaV1 => ({
  "~standard": {
    version: 1,
    vendor: "test",
    validate: validate as StandardSchemaV1["~standard"]["validate"],
  },
});
const failing = (...issues: StandardSchemaV1.Issue[]): StandardSchemaV1 => handmade(() => ({ issues }));

describe.each<[string, StandardSchemaV1]>([
  ["zod", zodSchema],
  ["valibot", valibotSchema],
  ["arktype", arktypeSchema],
])("a schema of %s", (_library, schema) => {
  it("gives out the config with its defaults", async () => {
    expect(await checkedBySchema(schema, { model: "m1" })).toEqual({
      model: "m1",
      temperature: 0.2,
      tools: [],
    });
    const full = { model: "m1", temperature: 1, tools: [{ name: "a" }] };
    expect(await checkedBySchema(schema, full)).toEqual(full);
  });

  it("refuses what does not fit, by path and message", async () => {
    const error = await refusal(schema, { model: 1, temperature: 3, tools: [{ name: "a" }, {}] });
    expect(error).toMatchObject({ code: "config_invalid", kind: "invalid_input", details: { more: 0 } });
    const issues = error.details.issues as unknown as { path: string; message: string }[];
    expect(issues.map(({ path }) => path).sort()).toEqual(["model", "temperature", "tools.1.name"]);
    for (const { path, message } of issues) {
      expect(message).not.toBe("");
      expect(error.message).toContain(`${path}: ${message}`);
    }
  });
});

describe("checkedBySchema", () => {
  it("reads as documented", async () => {
    const schema = z.object({ temperature: z.number().default(0.2) });
    expect(await checkedBySchema(schema, {})).toEqual({ temperature: 0.2 });
  });

  it("waits for validators that take their time", async () => {
    const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));
    const zodLater = z.object({
      model: z.string().refine((model) => later(model === "m1"), "unknown model"),
    });
    const valibotLater = v.objectAsync({
      model: v.pipeAsync(
        v.string(),
        v.checkAsync((model) => later(model === "m1"), "unknown model"),
      ),
    });
    for (const schema of [zodLater, valibotLater]) {
      expect(await checkedBySchema(schema, { model: "m1" })).toEqual({ model: "m1" });
      const error = await refusal(schema, { model: "m2" });
      expect(error.message).toBe("The config does not fit its schema: model: unknown model.");
    }
  });

  it("gives out what the schema made of the config, and a copy of it", async () => {
    const schema = z.object({ model: z.string() }).transform(({ model }) => ({ name: model.toUpperCase() }));
    expect(await checkedBySchema(schema, { model: "m1" })).toEqual({ name: "M1" });
    const output = { a: [1] };
    const checked = await checkedBySchema(
      handmade(() => ({ value: output })),
      {},
    );
    output.a.push(2);
    expect(checked).toEqual({ a: [1] });
  });

  it("tells five issues and counts the others", async () => {
    const issues = Array.from({ length: 7 }, (_, index) => ({
      message: `wrong ${index}`,
      path: ["tools", index],
    }));
    const error = await refusal(failing(...issues), {});
    expect(error.details).toMatchObject({ more: 2 });
    expect(error.details.issues).toHaveLength(5);
    expect(error.message).toBe(
      "The config does not fit its schema: tools.0: wrong 0; tools.1: wrong 1; tools.2: wrong 2; tools.3: wrong 3; " +
        "tools.4: wrong 4; and 2 more.",
    );
  });

  it("understands every sort of path", async () => {
    const error = await refusal(
      failing({ message: "whole" }, { message: "segments", path: [{ key: "a.b" }, 0, { key: Symbol("s") }] }),
      {},
    );
    expect(error.details.issues).toEqual([
      { path: "", message: "whole" },
      { path: '"a.b".0.Symbol(s)', message: "segments" },
    ]);
    expect(error.message).toBe('The config does not fit its schema: whole; "a.b".0.Symbol(s): segments.');
    expect((await refusal(failing(), {})).message).toBe(
      "The config does not fit its schema: no reason given.",
    );
  });

  it("tells a schema that fails from a config that does not fit", async () => {
    const boom = new Error("boom");
    const throwing = handmade(() => {
      throw boom;
    });
    for (const schema of [throwing, handmade(() => Promise.reject(boom))]) {
      const error = await refusal(schema, {});
      expect(error).toMatchObject({ code: "config_invalid", cause: boom });
      expect(error.message).toBe("The config schema failed instead of answering: boom.");
    }
    const odd = await refusal(
      handmade(() => Promise.reject("boom")),
      {},
    );
    expect(odd.message).toContain("answering: boom.");
    for (const answer of [undefined, null, true]) {
      const error = await refusal(
        handmade(() => answer),
        {},
      );
      expect(error.message).toContain(`validate() resolved to ${answer}`);
    }
    expect(await refusal({} as StandardSchemaV1, {})).toMatchObject({ code: "config_invalid" });
  });

  it.each<[string, unknown, string]>([
    ["a date inside", { at: new Date(0) }, "at (Date)"],
    ["undefined inside", { a: undefined }, "a (undefined)"],
    ["an array", [1], "an array"],
    ["a text", "m1", "string m1"],
  ])("refuses %s as what the schema gives out", async (_title, output, offender) => {
    const error = await refusal(
      handmade(() => ({ value: output })),
      {},
    );
    expect(error).toMatchObject({ code: "config_invalid", cause: { code: "config_invalid" } });
    expect(error.message).toContain("What the config schema gives out cannot be used.");
    expect(error.message).toContain(offender);
  });
});

describe("the types", () => {
  interface Expected {
    model: string;
    temperature: number;
    tools: { name: string }[];
  }
  const opened = <Config>(_options: { schema: ConfigSchema<Config> }): Config => undefined as Config;

  it("know what each library's schema gives out", () => {
    expectTypeOf<ConfigOf<typeof zodSchema>>().toEqualTypeOf<Expected>();
    expectTypeOf<ConfigOf<typeof valibotSchema>>().toEqualTypeOf<Expected>();
    expectTypeOf<ConfigOf<typeof arktypeSchema>>().toEqualTypeOf<Expected>();
    expectTypeOf<ConfigOf<StandardSchemaV1>>().toBeUnknown();
  });

  it("infer it where a function takes a schema", () => {
    expectTypeOf(opened({ schema: zodSchema })).toEqualTypeOf<Expected>();
    expectTypeOf(opened({ schema: valibotSchema })).toEqualTypeOf<Expected>();
    expectTypeOf(opened({ schema: arktypeSchema })).toEqualTypeOf<Expected>();
    expectTypeOf(opened({ schema: z.object({ model: z.string() }) })).toEqualTypeOf<{ model: string }>();
  });

  it("take every schema for a schema of anything", () => {
    expectTypeOf(zodSchema).toExtend<ConfigSchema>();
    expectTypeOf(valibotSchema).toExtend<ConfigSchema>();
    expectTypeOf(arktypeSchema).toExtend<ConfigSchema>();
    expectTypeOf(zodSchema).toExtend<StandardSchemaV1>();
    expectTypeOf<ConfigSchema<{ model: string }>>().toExtend<ConfigSchema>();
    expectTypeOf<ConfigSchema>().not.toExtend<ConfigSchema<{ model: string }>>();
    expectTypeOf(checkedBySchema).returns.resolves.toEqualTypeOf<JsonObject>();
  });
});

import { fileURLToPath } from "node:url";
import {
  AsyncLocalStorageTransactionContextPropagator,
  type EvaluationContext,
  type EvaluationDetails,
  type FlagValue,
  type Hook,
  OpenFeature,
  type Provider,
} from "@openfeature/server-sdk";
import { afterAll, beforeAll, expect } from "vitest";
import { openFeatureProvider } from "../../../src/integrations/openfeature/index.js";
import { createTestEngine, type TestEngine } from "../../../src/testing.js";
import { runFeature, type Steps } from "../../support/gherkin.js";

const because = { reason: "the scenario" };

const FLAGS = {
  "boolean-flag": true,
  "string-flag": "hi",
  "integer-flag": 10,
  "float-flag": 0.5,
  "object-flag": { showImages: true, title: "Check out these pics!", imagesPerPage: 100 },
  "boolean-zero-flag": false,
  "string-zero-flag": "",
  "integer-zero-flag": 0,
  "float-zero-flag": 0,
  "object-zero-flag": {},
  "null-flag": null,
  "wrong-flag": "uno",
};

const targeted = (zero: object) =>
  Object.fromEntries(Object.entries(zero).map(([type, value]) => [`${type}-targeted-zero-flag`, value]));

const ZERO = targeted({ boolean: false, string: "", integer: 0, float: 0, object: {} });
const NON_ZERO = targeted({ boolean: true, string: "str", integer: 1, float: 1, object: { a: 1 } });

const AUDIENCE = { where: { email: "ballmer@macrosoft.com", age: { $gt: 10 }, customer: false } };

interface World {
  context: EvaluationContext;
  flag: { type: string; key: string; defaultValue: FlagValue };
  details: EvaluationDetails<FlagValue>;
  hooks: Hook[];
  /** which hooks have run, with the details they got */
  readonly called: { stage: string; details: Record<string, unknown> | undefined }[];
  readonly entries: { level: string; key: string; value: string }[];
  levels: readonly string[];
  /** what the newest session keeps */
  kept: () => Promise<Record<string, unknown>>;
}

function typedValue(type: string, text: string): FlagValue {
  if (type === "String" || type === "string") return text;
  if (type === "Boolean" || type === "boolean") return text === "true";
  return JSON.parse(text) as FlagValue;
}

async function evaluate({ flag, context, hooks }: World): Promise<EvaluationDetails<FlagValue>> {
  const client = OpenFeature.getClient();
  const { key, defaultValue } = flag;
  const options = { hooks };
  if (flag.type === "Boolean")
    return client.getBooleanDetails(key, defaultValue as boolean, context, options);
  if (flag.type === "String") return client.getStringDetails(key, defaultValue as string, context, options);
  if (flag.type === "Object") return client.getObjectDetails(key, defaultValue, context, options);
  return client.getNumberDetails(key, defaultValue as number, context, options);
}

let test: TestEngine;

beforeAll(async () => {
  test = await createTestEngine({ seed: 5 });
  await test.engine.project("flags", { champion: FLAGS });
  await test.engine.project("whole", { champion: { model: "m-large" } });
  const contest = await test.engine.project("targeted", { champion: ZERO });
  await contest.challenge(NON_ZERO, { share: 0.99, audience: AUDIENCE });
  await contest.override("ballmer@macrosoft.com", "champion", because);
});

afterAll(() => test.close());

function begin(): World {
  const flag = { type: "", key: "", defaultValue: null };
  const details = { flagKey: "", value: null, flagMetadata: {} };
  const kept = async () => ({});
  return { context: {}, flag, details, hooks: [], called: [], entries: [], levels: [], kept };
}

async function end(): Promise<void> {
  await OpenFeature.clearProviders();
  OpenFeature.setContext({});
}

const ATTRIBUTES = ["email", "age", "customer"];

async function install(provider: Provider): Promise<void> {
  // The status says what an initialisation came to.
  await OpenFeature.setProviderAndWait(provider).catch(() => undefined);
}

/** A provider in a state, each for a reason that occurs. */
const PROVIDERS: Record<string, () => unknown> = {
  stable: () => install(openFeatureProvider(test.engine, { attributes: ATTRIBUTES })),
  "not ready": () => {
    const project = () => new Promise<never>(() => undefined);
    const engine = { ...structural(), project };
    OpenFeature.setProvider(openFeatureProvider(engine, { projects: ["flags"] }));
  },
  error: () => install(openFeatureProvider(test.engine, { projects: ["nobody"] })),
  fatal: async () => {
    const closed = await createTestEngine();
    await closed.close();
    await install(openFeatureProvider(closed.engine));
  },
  stale: async () => {
    await install(openFeatureProvider({ ...structural(), health: () => ({ status: "degraded" }) }));
    await new Promise((resolve) => setImmediate(resolve));
  },
};

/** The engine as the provider knows it. */
function structural() {
  const { engine } = test;
  return {
    project: (key: string) => engine.project(key),
    signal: engine.signal.bind(engine),
    health: () => engine.health(),
  };
}

function recordingHook(called: World["called"]): Hook {
  const at =
    (stage: string) =>
    (_: unknown, details?: unknown): void =>
      void called.push({ stage, details: details as Record<string, unknown> });
  return { before: at("before"), after: at("after"), error: at("error"), finally: at("finally") };
}

function expectTable(actual: Record<string, unknown>, rows: readonly (readonly string[])[]): void {
  for (const [type, key, value] of rows as [string, string, string][]) {
    const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(actual[name], key).toEqual(value === "null" ? undefined : typedValue(type, value));
  }
}

const evaluation: Steps<World>["steps"] = [
  [/^an? (stable|not ready|error|fatal|stale) provider$/, (_, [state]) => PROVIDERS[state!]!()],
  [
    /^an? (\w+)-flag with key "(.*)" and a fallback value "(.*)"$/i,
    (world, [type, key, value]) => {
      world.flag = { type: type!, key: key!, defaultValue: typedValue(type!, value!) };
    },
  ],
  [
    /^a context containing a key "(.*)", with type "(\w+)" and with value "(.*)"$/,
    (world, [key, type, value]) => {
      world.context[key!] = typedValue(type!, value!);
    },
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    (world, [key]) => {
      world.context[key!] = null;
    },
  ],
  [
    /^evaluation options containing specific hooks$/,
    (world) => world.hooks.push(recordingHook(world.called)),
  ],
  [
    /^the flag was evaluated with details$/,
    async (world) => {
      Object.freeze(world.context);
      world.details = await evaluate(world);
    },
  ],
  [
    /^the resolved details value should be "(.*)"$/,
    ({ flag, details }, [value]) => expect(details.value).toEqual(typedValue(flag.type, value!)),
  ],
  [/^the flag key should be "(.*)"$/, ({ details }, [key]) => expect(details.flagKey).toBe(key)],
  [/^the variant should be "(.*)"$/, ({ details }, [variant]) => expect(details.variant).toBe(variant)],
  [/^the reason should be "(.*)"$/, ({ details }, [reason]) => expect(details.reason).toBe(reason)],
  [
    /^the error-code should be "(.*)"$/,
    ({ details }, [code]) => expect(details.errorCode).toBe(code === "none" ? undefined : code),
  ],
  [
    /^the provider status should be "(.*)"$/,
    (_, [status]) => expect(OpenFeature.getClient().providerStatus).toBe(status),
  ],
  [
    /^the resolved metadata should contain$/,
    ({ details }, _, [, ...rows]) => {
      for (const [key, type, value] of rows as [string, string, string][]) {
        const actual = details.flagMetadata[key];
        expect(typeof actual, key).toBe(type === "String" ? "string" : "number");
        if (value !== "*") expect(actual, key).toBe(typedValue(type, value));
      }
    },
  ],
  [
    /^the specified hooks should execute during evaluation$/,
    ({ called }) => expect(called.map(({ stage }) => stage)).toEqual(["before", "after", "finally"]),
  ],
  [
    /^the "(\w+)" hook should have been executed$/,
    ({ called }, [stage]) => expect(called.map((call) => call.stage)).toContain(stage),
  ],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    ({ called }, [stages], [, ...rows]) => {
      for (const stage of stages!.split(", ")) {
        expectTable(called.find((call) => call.stage === stage)!.details!, rows);
      }
    },
  ],
  [
    /^the original evaluation context should remain unmodified$/,
    ({ context }) => expect(context).toEqual({ targetingKey: "ada" }),
  ],
  [
    /^the evaluation details should be immutable$/,
    ({ details }) => expect(Object.isFrozen(details.flagMetadata)).toBe(true),
  ],
  [
    /^changing the resolved value should not change the next one$/,
    async (world) => {
      (world.details.value as { title: string }).title = "changed";
      expect((await evaluate(world)).value).toEqual(FLAGS["object-flag"]);
    },
  ],
];

async function provideKeeping(world: World, names: string): Promise<void> {
  OpenFeature.setTransactionContextPropagator(new AsyncLocalStorageTransactionContextPropagator());
  let kept: Record<string, unknown> = {};
  const engine = {
    ...structural(),
    project: async (key: string) => {
      const project = await test.engine.project(key);
      const session = (options: { readonly context?: object }) => {
        kept = { ...options.context };
        return project.session(options);
      };
      const { championHash, champion, experiment } = project;
      return { key, champion, championHash, experiment, session };
    },
  };
  world.kept = async () => kept;
  await OpenFeature.setProviderAndWait(openFeatureProvider(engine, { attributes: names.split(", ") }));
}

async function evaluateMerged({ entries }: World): Promise<void> {
  const at = (level: string) =>
    Object.fromEntries(
      entries.filter((entry) => entry.level === level).map(({ key, value }) => [key, value]),
    );
  OpenFeature.setContext(at("API"));
  const client = OpenFeature.getClient().setContext(at("Client"));
  client.addHooks({ before: () => at("Before Hooks") });
  await new Promise<void>((resolve, reject) => {
    OpenFeature.setTransactionContext(at("Transaction"), () => {
      const context = { targetingKey: "ada", ...at("Invocation") };
      client.getStringValue("flags.string-flag", "bye", context).then(() => resolve(), reject);
    });
  });
}

const contextMerging: Steps<World>["steps"] = [
  [/^a provider whose sessions keep "(.*)"$/, (world, [names]) => provideKeeping(world, names!)],
  [
    /^A context entry with key "(.*)" and value "(.*)" is added to the "(.*)" level$/,
    ({ entries }, [key, value, level]) => entries.push({ key: key!, value: value!, level: level! }),
  ],
  [
    /^A table with levels of increasing precedence$/,
    (world, _, table) => {
      world.levels = table.map(([level]) => level!);
    },
  ],
  [
    /^Context entries for each level from API level down to the "(.*)" level, with key "(.*)" and value "(.*)"$/,
    ({ entries, levels }, [last, key]) => {
      for (const level of levels.slice(0, levels.indexOf(last!) + 1)) {
        entries.push({ level, key: key!, value: level });
      }
    },
  ],
  [/^Some flag was evaluated$/, evaluateMerged],
  [
    /^The merged context contains an entry with key "(.*)" and value "(.*)"$/,
    async ({ kept }, [key, value]) => expect((await kept())[key!]).toBe(value),
  ],
];

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

runFeature(file("evaluation.feature"), { begin, end, steps: evaluation });
runFeature(file("context-merging.feature"), { begin, end, steps: contextMerging });

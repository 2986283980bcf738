// What other libraries do for "which arm does this session get, at 50 to 50", without a network. Each does more in a call
// than we do; docs/PERFORMANCE.md says what.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peer } from "./table.mjs";

/** Everyone's flags, one an experiment; `contender` is [name, function, isAsync]. */
async function growthBook(table, { keys, idAt }) {
  const module = await peer(table, "@growthbook/growthbook");
  if (!module) return null;
  const client = new module.GrowthBookClient();
  const experiments = keys.map((key) => ({ key, variations: ["a", "b"], weights: [0.5, 0.5] }));
  const work = (i) =>
    client.runInlineExperiment(experiments[i % keys.length], { attributes: { id: idAt(i) } }).value;
  return { contender: ["GrowthBook runInlineExperiment", work], close: () => client.destroy?.() };
}

async function unleash(table, { keys, idAt }) {
  const module = await peer(table, "unleash-client");
  if (!module) return null;
  const parameters = (groupId) => ({ rollout: "50", stickiness: "userId", groupId });
  const features = keys.map((name) => ({
    name,
    enabled: true,
    strategies: [{ name: "flexibleRollout", parameters: parameters(name), constraints: [] }],
  }));
  const backupPath = mkdtempSync(join(tmpdir(), "dethrone-unleash-"));
  const client = new module.Unleash({
    appName: "bench",
    url: "http://127.0.0.1:9/",
    refreshInterval: 0,
    disableMetrics: true,
    disableAutoStart: true,
    skipInstanceCountWarning: true,
    backupPath,
    bootstrap: { data: features },
    storageProvider: new module.InMemStorageProvider(),
  });
  client.on("error", () => undefined);
  client.on("warn", () => undefined);
  await client.start();
  const close = () => {
    client.destroy();
    rmSync(backupPath, { recursive: true, force: true });
  };
  return {
    contender: ["Unleash isEnabled", (i) => client.isEnabled(keys[i % keys.length], { userId: idAt(i) })],
    close,
  };
}

/** A flag of the file source: half of the users get the first variation. */
const launchDarklyFlag = (key) => ({
  key,
  on: true,
  version: 1,
  salt: key,
  targets: [],
  rules: [],
  prerequisites: [],
  variations: [true, false],
  offVariation: 1,
  fallthrough: {
    rollout: {
      variations: [
        { variation: 0, weight: 50_000 },
        { variation: 1, weight: 50_000 },
      ],
    },
  },
});

async function launchDarkly(table, { keys, idAt }) {
  const module = await peer(table, "@launchdarkly/node-server-sdk");
  if (!module) return null;
  const { default: sdk, init = sdk.init } = module;
  const { FileDataSourceFactory } = (await import("@launchdarkly/node-server-sdk/integrations")).default;
  const folder = mkdtempSync(join(tmpdir(), "dethrone-launchdarkly-"));
  const path = join(folder, "flags.json");
  writeFileSync(
    path,
    JSON.stringify({ flags: Object.fromEntries(keys.map((key) => [key, launchDarklyFlag(key)])) }),
  );
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  const client = init("sdk-none", {
    updateProcessor: new FileDataSourceFactory({ paths: [path] }).getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: silent,
  });
  await client.waitForInitialization({ timeout: 10 });
  const work = (i) => client.variation(keys[i % keys.length], { kind: "user", key: idAt(i) }, false);
  const close = () => {
    client.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { contender: ["LaunchDarkly variation, file source", work, true], close };
}

async function openFeature(table, { keys, idAt }) {
  const module = await peer(table, "@openfeature/server-sdk");
  if (!module) return null;
  // The provider has no hash of its own: the parity of an id's last digit stands in for one, at no cost.
  const half = ({ targetingKey }) => (targetingKey.charCodeAt(35) & 1 ? "on" : "off");
  const flag = {
    variants: { on: true, off: false },
    defaultVariant: "off",
    disabled: false,
    contextEvaluator: half,
  };
  const provider = new module.InMemoryProvider(Object.fromEntries(keys.map((key) => [key, flag])));
  await module.OpenFeature.setProviderAndWait(provider);
  const client = module.OpenFeature.getClient();
  const work = (i) => client.getBooleanValue(keys[i % keys.length], false, { targetingKey: idAt(i) });
  return { contender: ["OpenFeature in-memory", work, true], close: () => module.OpenFeature.close() };
}

/** Those that are installed. Each is tried first: one that gives everybody the same is not set up as it should be. */
export async function peersOf(table, traffic) {
  const peers = [];
  for (const make of [growthBook, unleash, launchDarkly, openFeature]) {
    const made = await make(table, traffic);
    if (made) peers.push(made);
  }
  for (const { contender } of peers) {
    const [name, work] = contender;
    const results = new Map();
    for (let i = 0; i < 400; i += 1) {
      const given = String(await work(i));
      results.set(given, (results.get(given) ?? 0) + 1);
    }
    const counts = [...results.values()];
    if (counts.length !== 2 || counts.some((count) => count < 120))
      throw new Error(`${name} does not split 50 to 50: ${JSON.stringify([...results])}`);
  }
  return {
    contenders: peers.map(({ contender }) => contender),
    close: async () => {
      for (const { close } of peers) await close();
    },
  };
}

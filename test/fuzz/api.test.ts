/**
 * Every operation of the OpenAPI document, asked with what it allows and with what it does not: no failure of the
 * server's, no rejection nobody handles, and every answer as it is described. FUZZ_RUNS says how many; `npm run fuzz`
 * makes a hundred thousand.
 */
import fc, { type Arbitrary } from "fast-check";
import { expect, it } from "vitest";
import { simulateInSlices } from "../../src/engine/simulations.js";
import { createApp } from "../../src/server/app.js";
import { openApiDocument } from "../../src/server/contract/openapi.js";
import type { Route } from "../../src/server/contract/route.js";
import { ROUTES, type RouteId } from "../../src/server/contract/routes.js";
import { problem } from "../../src/server/contract/schemas.js";
import { LONG, play, SHORT, useSetting } from "../support/setting.js";
import { type Known, type Schema, valuesOf } from "./arbitrary.js";

const RUNS = Number(process.env.FUZZ_RUNS ?? 600);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_121);
/** A new database after so many, so that what was broken or ended early on does not hide the rest. */
const ROUND = 500;

const setting = useSetting();

interface Operation {
  readonly operationId: RouteId;
  readonly parameters: readonly { readonly name?: string; readonly in?: string; readonly schema?: Schema }[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
}

interface Asked {
  readonly id: RouteId;
  readonly method: string;
  readonly url: string;
  readonly body: string | undefined;
  readonly headers: Record<string, string>;
}

const { paths } = openApiDocument("0") as unknown as { paths: Record<string, Record<string, Operation>> };

/** A text as a part of a path; a lone half of a character is no text of one. */
const encoded = (value: unknown): string => {
  try {
    return encodeURIComponent(String(value));
  } catch {
    return "x";
  }
};

function urlOf(path: string, inPath: Record<string, unknown>, query: Record<string, unknown>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(inPath[name] ?? "x") || "x");
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${filled}${pairs.length > 0 ? `?${pairs.map(([k, v]) => `${k}=${encoded(v)}`).join("&")}` : ""}`;
}

const HEADERS = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  fc.constantFrom<Record<string, string>>(
    { "idempotency-key": "a" },
    { "idempotency-key": "b" },
    { "if-none-match": "*" },
    { "last-event-id": "0" },
    { "x-request-id": "x".repeat(500) },
    { "content-type": "text/plain" },
  ),
);

function requestsOf(path: string, method: string, operation: Operation, known: Known): Arbitrary<Asked> {
  const within = (place: string) => {
    const found = operation.parameters.filter((each) => each.in === place);
    const fields = found.map(({ name = "", schema = {} }) => [name, valuesOf(schema, name, known)] as const);
    return fc.record(Object.fromEntries(fields), {
      requiredKeys: place === "path" ? found.map(({ name = "" }) => name) : [],
    });
  };
  const schema = operation.requestBody?.content["application/json"].schema;
  const json = schema
    ? valuesOf(schema, "body", known).map((value) => JSON.stringify(value))
    : fc.constant(undefined);
  const body = schema ? fc.oneof({ weight: 40, arbitrary: json }, fc.string()) : json;
  return fc.record({ inPath: within("path"), query: within("query"), body, headers: HEADERS }).map(
    ({ inPath, query, body: text, headers }): Asked => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      url: urlOf(path, inPath, query),
      body: text,
      headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers },
    }),
  );
}

/** Two projects, one with a contest under way and one with an ended one, and what there is in them. */
async function world(): Promise<Known> {
  const running = await setting.contest({ horizon: 400, label: "short" });
  const ended = await setting.contest({}, "other");
  await play(running, 30, (_, nth) => nth % 2);
  await play(ended, 10, () => 1);
  await ended.draft({ prompt: "draft" });
  await ended.promote({ reason: "for the fuzz" });
  const { engine } = setting.test;
  const [{ sessions }, { decisions }] = [await engine.sessions({ limit: 20 }), await engine.decisions()];
  const experiments = (await Promise.all(["support", "other"].map((key) => engine.experiments(key)))).flat();
  const hashes = experiments.flatMap(({ arms }) => arms.map(({ config }) => config.hash));
  const ids = sessions.map(({ id }) => id);
  return {
    project: ["support", "other"],
    key: ["support", "k-1", "new"],
    experiment: ["current", ...experiments.map(({ uid }) => uid)],
    session: ids,
    id: [...ids.slice(0, 3), "s-1"],
    root: ids,
    decision: decisions.map(({ uid }) => uid),
    config: [...hashes, "short"],
    before: hashes,
    after: hashes,
    to: hashes,
    challenger: ["1", "short", ...hashes],
    arm: ["champion", "challenger", "1"],
    unit: ["user-1", "user-2"],
    reason: ["because"],
    within: ["14d"],
    configs: [LONG, SHORT, { prompt: "new" }].map((config) => JSON.stringify(config)),
  };
}

/** What is wrong with an answer; null where nothing is. */
async function faultOf({ id }: Asked, response: Response): Promise<string | null> {
  const { status } = response;
  if (status === 304) return null;
  if (id === "streamEvents" && status === 200) {
    await response.body?.cancel();
    return null;
  }
  const text = await response.text();
  if (status >= 500) return `${status}: ${text}`;
  const contentType = response.headers.get("content-type") ?? "";
  const route: Route = ROUTES[id];
  // Metrics, exports, and reports in other forms.
  if (status < 300 && (route.contentType !== undefined || !contentType.includes("json"))) return null;
  const body: unknown = JSON.parse(text);
  const isProblem = contentType === "application/problem+json";
  if (status >= 400 !== isProblem) return `${status} as ${contentType}`;
  const schema = isProblem ? problem : route.response;
  const { error } = schema.safeParse(body);
  return error
    ? `${status} is not as described: ${error.message.slice(0, 1000)} in ${text.slice(0, 500)}`
    : null;
}

async function round(seed: number, runs: number): Promise<Map<string, number>> {
  const known = await world();
  const errors: (string | null)[] = [];
  const app = createApp(setting.test.engine, {
    open: true,
    requestsPerMinute: 1e9,
    onRequest: ({ error }) => errors.push(error),
    // What they find is tested elsewhere; here one run of each is enough.
    simulator: (jobs, options) =>
      simulateInSlices(
        jobs.map((job) => ({ ...job, runs: 1 })),
        options,
      ),
  });
  const requests = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => requestsOf(path, method, operation, known)),
  );
  const statuses = new Map<string, number>();
  const property = fc.asyncProperty(fc.oneof(...requests), async (asked) => {
    const { method, url, body, headers } = asked;
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await app.fetch(new Request(`http://localhost${url}`, init));
    const family = `${Math.floor(response.status / 100)}xx`;
    statuses.set(family, (statuses.get(family) ?? 0) + 1);
    const fault = await faultOf(asked, response);
    if (fault !== null) throw new Error(`${fault}\n${errors.findLast((error) => error !== null) ?? ""}`);
  });
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  app.close();
  return statuses;
}

it(`answers ${RUNS} requests as described, with no failure of its own (seed ${SEED})`, async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const total = new Map<string, number>();
  for (let done = 0; done < RUNS; done += ROUND) {
    if (done > 0) {
      await setting.close();
      await setting.open();
    }
    const statuses = await round(SEED + done, Math.min(ROUND, RUNS - done));
    for (const [family, count] of statuses) total.set(family, (total.get(family) ?? 0) + count);
  }
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
  // Both sides of the door are met.
  expect(total.get("2xx")).toBeGreaterThan(RUNS / 10);
  expect(total.get("4xx")).toBeGreaterThan(RUNS / 10);
}, 36_000_000);

/**
 * The files of other systems: where their records are, and which of their fields mean what unless a mapping says
 * otherwise.
 */
import type { Json, JsonObject } from "../../core/errors.js";
import type { Mapping } from "./mapping.js";
import { otlpRecords } from "./otlp.js";

/** What wrote a file. */
export type ImportFormat = "langfuse" | "braintrust" | "promptfoo" | "otlp" | "jsonl" | "csv";

/** How the files of a system are read. */
export interface FormatRules {
  /** where the records are in a document that is one object, as paths with a star for each of them */
  readonly paths: readonly string[];
  /** whether `records` takes such a document too, so that each line of a file may be one */
  readonly takesDocuments?: true;
  readonly mapping: Mapping;
  /** the records that a value of the file holds; none where it says nothing of a session */
  readonly records: (value: JsonObject) => readonly JsonObject[];
}

const itself = (record: JsonObject): readonly JsonObject[] => [record];

const snakeCase = (name: string): string =>
  name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before}_${after.toLowerCase()}`,
  );

/** The API and its exports to files call the same fields `traceId` and `trace_id`. */
const inSnakeCase = (record: JsonObject): readonly JsonObject[] => [
  Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeCase(name), value])),
];

/** A trace is many spans, and its scores are those of the first. */
function rootSpans(span: JsonObject): readonly JsonObject[] {
  const { is_root: isRoot, root_span_id: root, span_id: own } = span;
  const isPart = isRoot === false || (isRoot === undefined && root !== undefined && root !== own);
  return isPart ? [] : [span];
}

/** Older files number their results without giving them ids. */
function promptfooResult(result: JsonObject): readonly JsonObject[] {
  const { id, evalId, testIdx, promptIdx, provider } = result;
  const numbered = evalId !== undefined && testIdx !== undefined ? `${evalId}/${testIdx}/${promptIdx}` : null;
  const name: Json | undefined = typeof provider === "string" ? { id: provider } : provider;
  return [{ ...result, id: id ?? numbered, ...(name !== undefined && { provider: name }) }];
}

const TIMES = {
  startedAt: {
    field: ["startedAtMs", "started_at", "startedAt", "start_time", "timestamp", "created_at", "time"],
  },
  endedAt: { field: ["endedAtMs", "ended_at", "endedAt", "end_time"] },
} as const;

/** Records of one's own making, this package's among them. */
const PLAIN: FormatRules = {
  paths: [],
  records: itself,
  mapping: {
    session: { field: ["id", "session", "session_id", "sessionId", "trace_id", "traceId"] },
    unit: { field: ["unit", "user_id", "userId"] },
    startedAt: { field: [...TIMES.startedAt.field] },
    endedAt: { field: [...TIMES.endedAt.field] },
    score: "score",
    config: "config",
    context: "context",
  },
};

/** How the files of each system are read. */
export const FORMATS: Readonly<Record<ImportFormat, FormatRules>> = {
  jsonl: PLAIN,
  csv: PLAIN,
  langfuse: {
    paths: ["$.data.*"],
    records: inSnakeCase,
    mapping: {
      session: { field: ["trace_id", "session_id"] },
      unit: { field: ["user_id", "session_id"] },
      startedAt: { field: ["timestamp", "created_at"] },
      context: { environment: "environment", trace: "trace_name" },
      signals: [
        {
          name: { field: "name" },
          value: "value",
          key: "id",
          source: "source",
          at: { field: ["timestamp", "created_at"] },
          kind: "explicit",
          // The number of a category is its place in a list.
          when: { data_type: ["NUMERIC", "BOOLEAN", null] },
        },
      ],
    },
  },
  braintrust: {
    paths: ["$.events.*", "$.data.*"],
    records: rootSpans,
    mapping: {
      session: { field: ["root_span_id", "span_id", "id"] },
      unit: { field: ["metadata.user_id", "metadata.session_id"] },
      startedAt: { field: ["metrics.start", "created"] },
      endedAt: "metrics.end",
      config: {
        experiment: { field: ["experiment_name", "experiment_id"] },
        model: { field: ["metadata.model", "metadata.model_name"] },
        prompt: { field: ["metadata.prompt_version", "metadata.prompt_id"] },
      },
      context: { name: "span_attributes.name", tags: "tags" },
      signals: [
        { each: "scores", kind: "explicit" },
        { name: "input_tokens", value: "metrics.prompt_tokens" },
        { name: "output_tokens", value: "metrics.completion_tokens" },
        { name: "cost_usd", value: { field: ["metrics.estimated_cost", "metrics.cost"] } },
        { name: "error", value: { field: "error", truthy: true } },
      ],
    },
  },
  promptfoo: {
    paths: ["$.results.results.*"],
    records: promptfooResult,
    mapping: {
      session: "id",
      startedAt: { field: ["createdAt", "timestamp"] },
      score: "score",
      config: {
        provider: { field: ["provider.label", "provider.id"] },
        prompt: { field: ["prompt.label", "promptId"] },
      },
      context: { test: "testIdx", description: { field: ["description", "testCase.description"] } },
      signals: [
        { each: "namedScores" },
        { name: "latency_ms", value: "latencyMs" },
        { name: "cost_usd", value: "cost" },
        { name: "input_tokens", value: { field: ["response.tokenUsage.prompt", "tokenUsage.prompt"] } },
        {
          name: "output_tokens",
          value: { field: ["response.tokenUsage.completion", "tokenUsage.completion"] },
        },
        { name: "error", value: { value: 1 }, when: { failureReason: 2 } },
      ],
    },
  },
  otlp: {
    paths: ["$.resourceSpans.*", "$.resourceLogs.*"],
    takesDocuments: true,
    records: otlpRecords,
    mapping: {
      session: "traceId",
      unit: { field: ["gen_ai.conversation.id", "session.id", "user.id", "enduser.id"] },
      startedAt: "startTimeUnixNano",
      endedAt: "endTimeUnixNano",
      config: {
        agent: { field: ["gen_ai.agent.name", "gen_ai.agent.id"] },
        model: { field: ["gen_ai.request.model", "gen_ai.response.model"] },
        provider: { field: ["gen_ai.provider.name", "gen_ai.system"] },
      },
      context: { service: "service.name", version: "service.version" },
      signals: [
        { each: "evaluations", key: "spanId", kind: "explicit" },
        { name: "input_tokens", value: "gen_ai.usage.input_tokens", key: "spanId" },
        { name: "output_tokens", value: "gen_ai.usage.output_tokens", key: "spanId" },
        { name: "error", value: "error", key: "spanId" },
      ],
    },
  },
};

/** What marks the files of each system, in the first few kilobytes. */
const MARKS: readonly (readonly [format: ImportFormat, marks: readonly RegExp[]])[] = [
  ["otlp", [/"resource(Spans|Logs)"/]],
  ["promptfoo", [/"promptIdx"|"evalId"/, /"results"|"testIdx"/]],
  ["braintrust", [/"root_span_id"|"span_attributes"/, /"scores"/]],
  ["langfuse", [/\b(traceId|trace_id)\b/, /\b(dataType|data_type)\b/]],
];

/** What wrote a file, by how it begins. */
export function detectFormat(beginning: string): ImportFormat {
  const known = MARKS.find(([, marks]) => marks.every((mark) => mark.test(beginning)));
  if (known) return known[0];
  return /^\s*[[{]/.test(beginning) ? "jsonl" : "csv";
}

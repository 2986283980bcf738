/**
 * Traces and logs in OTLP JSON, as collectors write them, as flat records: one a span or event that has to do with
 * generative AI, its attributes beside its own fields.
 */
import type { Json, JsonObject } from "../../core/errors.js";

type Attributes = readonly { readonly key?: string; readonly value?: JsonObject }[];

const listOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly JsonObject[]) : [];

/** A value of OTLP: 64-bit integers are texts there. */
function plain({ stringValue, boolValue, intValue, doubleValue, arrayValue }: JsonObject): Json {
  if (arrayValue !== undefined) return listOf((arrayValue as JsonObject).values).map(plain);
  if (intValue !== undefined) return Number(intValue);
  return stringValue ?? boolValue ?? doubleValue ?? null;
}

function attributesOf(value: Json | undefined): JsonObject {
  const attributes = listOf(value) as unknown as Attributes;
  return Object.fromEntries(attributes.map(({ key = "", value: held = {} }) => [key, plain(held)]));
}

const isOfAi = (attributes: JsonObject): boolean =>
  Object.keys(attributes).some((name) => name.startsWith("gen_ai."));

/** Spans that say again what the spans below them have used. */
const SUMMARIES: readonly (Json | undefined)[] = ["invoke_agent", "create_agent", "invoke_workflow"];

const USAGE = /^gen_ai\.usage\./;

function evaluationOf(attributes: JsonObject): readonly [name: string, score: Json] | null {
  const name = attributes["gen_ai.evaluation.name"];
  const score = attributes["gen_ai.evaluation.score.value"];
  return typeof name === "string" && typeof score === "number" ? [name, score] : null;
}

function spanRecord(span: JsonObject, resource: JsonObject): JsonObject[] {
  const own = attributesOf(span.attributes);
  if (!isOfAi(own)) return [];
  const isSummary = SUMMARIES.includes(own["gen_ai.operation.name"]);
  const used = Object.entries(own).filter(([name]) => !(isSummary && USAGE.test(name)));
  const events = listOf(span.events).flatMap(({ attributes }) => {
    const evaluation = evaluationOf(attributesOf(attributes));
    return evaluation ? [evaluation] : [];
  });
  const { traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano, status } = span;
  const code = Object(status).code as Json | undefined;
  const hasFailed = code === 2 || code === "STATUS_CODE_ERROR";
  return [
    definedIn({
      ...resource,
      ...Object.fromEntries(used),
      ...{ traceId, spanId, name, startTimeUnixNano, endTimeUnixNano },
      // What a tool or a call made of it is no failure of the whole.
      error: (parentSpanId ?? "") === "" && hasFailed ? 1 : undefined,
      evaluations: Object.fromEntries(events),
    }),
  ];
}

function logRecord(log: JsonObject): JsonObject[] {
  const evaluation = evaluationOf(attributesOf(log.attributes));
  const { traceId, spanId, timeUnixNano } = log;
  if (!evaluation || !traceId) return [];
  return [
    definedIn({
      traceId,
      spanId,
      startTimeUnixNano: timeUnixNano,
      evaluations: Object.fromEntries([evaluation]),
    }),
  ];
}

function definedIn(record: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as JsonObject;
}

/** The records of a document, or of one of its resources. */
export function otlpRecords(document: JsonObject): JsonObject[] {
  const nested = [...listOf(document.resourceSpans), ...listOf(document.resourceLogs)];
  if (nested.length > 0) return nested.flatMap(otlpRecords);
  const resource = attributesOf(Object(document.resource).attributes as Json | undefined);
  const spans = listOf(document.scopeSpans).flatMap(({ spans: each }) => listOf(each));
  const logs = listOf(document.scopeLogs).flatMap(({ logRecords }) => listOf(logRecords));
  return [...spans.flatMap((span) => spanRecord(span, resource)), ...logs.flatMap(logRecord)];
}

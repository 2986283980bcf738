/**
 * Sessions: placed by the server or by a client, told of, and looked up.
 */
import type { JsonObject } from "../../core/errors.js";
import type { Operation, OperationResult } from "../../engine/sessions/operations.js";
import type { RouteOutput } from "../contract/routes.js";
import type { Handlers } from "./handler.js";

/** What is answered of one operation. @throws DethroneError as it is refused */
function answeredOne(result: OperationResult): RouteOutput<"addSignal"> {
  if (result.status === "failed") throw result.error;
  return { status: result.status as RouteOutput<"addSignal">["status"] };
}

function answered(result: OperationResult): RouteOutput<"record">["results"][number] {
  if (result.status !== "failed") return result;
  const { code, kind, message: detail, details } = result.error;
  return { status: "failed", error: { code, kind, detail, details } };
}

/** The operation at the time that this server's clock showed when it happened. */
function corrected<O extends Operation>(operation: O, offsetMs: number): O {
  return "atMs" in operation ? { ...operation, atMs: Math.max(0, operation.atMs + offsetMs) } : operation;
}

/** Answers what is asked of sessions. */
export const sessionHandlers: Handlers<
  "startSession" | "addSignal" | "endSession" | "record" | "listSessions" | "getSession"
> = {
  async startSession({ engine }, { params, body }) {
    const project = await engine.project<JsonObject>(params.project);
    // What is answered is stored.
    const started = await project.session({ ...body, parent: body.parent ?? null, durable: true });
    const { id, config, arm, place, experiment, unit, root, isResumed } = started;
    return { id, project: started.project, config, arm, place, experiment, unit, root, isResumed };
  },

  addSignal({ engine }, { params, body, principal }) {
    const { name, value, kind = null, source = null, key = engine.newId() } = body;
    const { session } = params;
    const observation = { name, value: Number(value), kind, source, atMs: engine.now() };
    return engine.recordOne({ type: "signal", session, key, ...observation }, principal).then(answeredOne);
  },

  endSession({ engine }, { params, body, principal }) {
    const score = body.score === undefined ? null : Number(body.score);
    const end = { type: "end", session: params.session, score, atMs: engine.now() } as const;
    return engine.recordOne(end, principal).then(answeredOne);
  },

  async record({ engine }, { body, principal }) {
    const offsetMs = engine.now() - body.sentAtMs;
    const operations = body.operations.map((operation) => corrected(operation, offsetMs));
    const results = await engine.record(operations, principal);
    return { results: results.map(answered) };
  },

  listSessions: ({ engine }, { query, principal }) =>
    engine.sessions({ ...query, projects: principal.projects }),

  getSession: ({ engine }, { params, principal }) => engine.sessionDetail(params.session, principal),
};

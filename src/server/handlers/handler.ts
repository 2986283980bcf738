/**
 * What an operation's handler is: a function of the engine and of what it is asked, to what it answers.
 */
import type { Principal } from "../../engine/access/keys.js";
import type { Engine } from "../../engine/engine.js";
import type { RouteId, RouteInput, RouteOutput } from "../contract/routes.js";
import type { EventFeed } from "../event-feed.js";
import type { Metrics } from "../metrics.js";
import type { Questions } from "../questions.js";

/** What handlers work with. */
export interface Host {
  readonly engine: Engine;
  readonly events: EventFeed;
  readonly metrics: Metrics;
  readonly questions: Questions;
  /** the version of the package */
  readonly version: string;
}

/** One request, checked. */
interface Call<Id extends RouteId> extends RouteInput<Id> {
  readonly principal: Principal;
  /** `request.signal` is aborted when the caller has gone */
  readonly request: Request;
}

/** What is answered where that is no JSON. */
export interface Plain {
  readonly contentType: string;
  readonly plain: string | ReadableStream<Uint8Array>;
}

/** Answers an operation. */
export type Handler<Id extends RouteId> = (
  host: Host,
  call: Call<Id>,
) => Promise<RouteOutput<Id> | Plain> | RouteOutput<Id> | Plain;

/** Answers some operations. */
export type Handlers<Ids extends RouteId> = { readonly [Id in Ids]: Handler<Id> };

/** Who did it, for the audit log: the key, and whom its holder names. */
export function actorOf({ name }: Principal, actor: string | undefined): string {
  return actor === undefined ? name : `${actor} (${name})`;
}

/** What is done by hand, with who did it. */
export function byHand<B extends { readonly actor?: string | undefined }>(
  principal: Principal,
  body: B,
): Omit<B, "actor"> & { readonly actor: string } {
  return { ...body, actor: actorOf(principal, body.actor) };
}

/** The answer of what has nothing to tell. */
export const NOTHING = {};

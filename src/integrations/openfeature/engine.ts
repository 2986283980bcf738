/**
 * What the provider asks of an engine, by structure: an `Engine` of this process and a client over HTTP have it both.
 */
import type { Project } from "../../engine/project.js";
import type { Session, SignalInput } from "../../engine/sessions/session.js";

/** A session, as evaluations see it. */
export type FlagSession = Pick<
  Session,
  | "id"
  | "project"
  | "config"
  | "configHash"
  | "arm"
  | "place"
  | "experiment"
  | "share"
  | "excluded"
  | "isResumed"
> & {
  end(): Promise<unknown>;
};

/** A project, as evaluations see it. */
export interface FlagProject extends Pick<Project, "key" | "champion" | "championHash" | "experiment"> {
  session(options: {
    readonly id?: string;
    readonly unit?: string;
    readonly context?: object;
  }): Promise<FlagSession>;
}

/** What gives out configs and takes signals. */
export interface FlagEngine {
  project(key: string): Promise<FlagProject>;
  signal(sessionId: string, signal: SignalInput): Promise<unknown>;
  health(): { readonly status: "ok" | "degraded" | "off" | "closed" };
}

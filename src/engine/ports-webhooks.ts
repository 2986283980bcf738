/**
 * What webhooks ask of the store: endpoints, and what is to be delivered to them.
 */
import type { EventEntry } from "./ports-access.js";

/** An endpoint that is told of events. */
export interface StoredWebhook {
  readonly id: string;
  /** key of the project whose events it is told of; null for all */
  readonly project: string | null;
  readonly url: string;
  /** actions of the audit log that it is told of; null for all */
  readonly actions: readonly string[] | null;
  /** `whsec_` and the key in base64, as it is needed to sign */
  readonly secret: string;
  /** the secret before the last rotation, which signs too until a time */
  readonly previousSecret: string | null;
  readonly previousUntilMs: number | null;
  /** whether it may lie on this machine or in a private network, and speak plain HTTP */
  readonly allowPrivate: boolean;
  readonly isEnabled: boolean;
  /** newest entry of the audit log that has been looked at for it */
  readonly seenId: number;
  readonly createdAtMs: number;
}

/** What may change of an endpoint. */
export interface WebhookChange
  extends Partial<Pick<StoredWebhook, "isEnabled" | "secret" | "previousSecret" | "previousUntilMs">> {}

/** Where a delivery stands; `dead`: it was tried for days, and is not tried again by itself. */
export type DeliveryStatus = "pending" | "delivered" | "dead";

/** One event on its way to one endpoint. */
export interface StoredDelivery {
  /** order of storage */
  readonly id: number;
  /** the same in every attempt: what receivers know a repetition by */
  readonly uid: string;
  readonly webhook: string;
  readonly status: DeliveryStatus;
  /** attempts begun */
  readonly attempts: number;
  /** when it is tried next, at the earliest; of no meaning unless it is pending */
  readonly nextAtMs: number;
  readonly lastAtMs: number | null;
  /** what the endpoint answered last; null where it did not */
  readonly lastStatus: number | null;
  /** why the last attempt failed; null where it did not, or its end is not known */
  readonly lastError: string | null;
  readonly event: EventEntry;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly uid: string;
  /** which attempt, from 1 */
  readonly attempt: number;
  readonly status: DeliveryStatus;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** when the next one is due, where that is not when it was meant to be */
  readonly nextAtMs?: number;
}

/** What waits to be delivered to an endpoint, and what nobody will try again. */
export interface WebhookBacklog {
  readonly webhook: string;
  readonly url: string;
  /** pending ones that have failed already */
  readonly failing: number;
  /** when the oldest pending event happened; null without any */
  readonly oldestAtMs: number | null;
  readonly dead: number;
}

/**
 * Endpoints and deliveries. The audit log is the outbox: every change writes its entry in its own transaction, and each
 * endpoint has a mark of how far the log has been looked through for it. Ids of entries rise in the order in which
 * entries become visible.
 */
export interface WebhookStore {
  /** Adds an endpoint, that is told of what comes after. False where there is no such project. */
  add(webhook: Omit<StoredWebhook, "seenId">): Promise<boolean>;
  /** Oldest first. */
  all(): Promise<StoredWebhook[]>;
  /** One that is enabled by it is told of what comes after. */
  change(id: string, change: WebhookChange): Promise<void>;
  /** Removes the endpoint and its deliveries. */
  remove(id: string): Promise<void>;
  /** Enabled endpoints with something new in the log, or a delivery that is due. */
  waiting(nowMs: number): Promise<StoredWebhook[]>;
  /** Moves an endpoint's mark and queues deliveries of what it passes, unless another process was faster; whether it did. */
  queue(input: {
    readonly webhook: Pick<StoredWebhook, "id" | "seenId">;
    readonly seenId: number;
    readonly deliveries: readonly { readonly uid: string; readonly eventId: number }[];
    readonly nowMs: number;
  }): Promise<boolean>;
  /** Deliveries that are due, oldest first. */
  due(input: {
    readonly webhook: string;
    readonly nowMs: number;
    readonly limit: number;
  }): Promise<StoredDelivery[]>;
  /** Begins an attempt, unless another process has; whether it did. Until `nextAtMs` nobody tries again. */
  begin(input: {
    readonly uid: string;
    readonly attempt: number;
    readonly nextAtMs: number;
    readonly nowMs: number;
  }): Promise<boolean>;
  /** Notes the end of an attempt, unless a later one has begun. */
  end(end: AttemptEnd): Promise<void>;
  /** Newest first. */
  deliveries(input: {
    /** ids of webhooks; null for all */
    readonly webhooks: readonly string[] | null;
    readonly status: DeliveryStatus | null;
    readonly beforeId: number;
    readonly limit: number;
  }): Promise<StoredDelivery[]>;
  /** Has a delivery to one of these webhooks tried again from the beginning; whether there is one. */
  again(input: {
    readonly uid: string;
    readonly webhooks: readonly string[] | null;
    readonly nowMs: number;
  }): Promise<boolean>;
  /** Has every dead delivery of an endpoint tried again from the beginning. */
  againDead(input: { readonly webhook: string; readonly nowMs: number }): Promise<void>;
  backlogs(): Promise<WebhookBacklog[]>;
  /** Forgets deliveries that are over and were last tried before a time. */
  forget(beforeMs: number): Promise<void>;
}

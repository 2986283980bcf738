/**
 * An event as it is sent: a CloudEvent in structured mode, signed as Standard Webhooks has it.
 *
 * *Source*: CloudEvents 1.0.2, JSON event format; Standard Webhooks 1.0 (standardwebhooks.com).
 */
import { createHmac, randomBytes } from "node:crypto";
import type { EventEntry, StoredWebhook } from "../ports.js";

/** A CloudEvent, whose data is an entry as `/v1/events` tells it. */
export interface CloudEvent {
  readonly specversion: "1.0";
  /** the same in every attempt */
  readonly id: string;
  /** `urn:dethrone:project:KEY` */
  readonly source: string;
  /** `dethrone.experiment.promoted`, `dethrone.project.created`, ... */
  readonly type: string;
  /** id of the experiment; of what is the project's, its key */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: EventEntry;
}

/** The type of an entry's event: what it is of, and its action. */
const typeOf = ({ experiment, action }: Pick<EventEntry, "experiment" | "action">): string =>
  `dethrone.${experiment === null ? "project" : "experiment"}.${action}`;

/** The event of an entry. */
export function cloudEvent(id: string, data: EventEntry, type = typeOf(data)): CloudEvent {
  const { project, experiment, atMs } = data;
  return {
    specversion: "1.0",
    id,
    source: `urn:dethrone:project:${encodeURIComponent(project)}`,
    type,
    subject: experiment ?? project,
    time: new Date(atMs).toISOString(),
    datacontenttype: "application/json",
    data,
  };
}

const PREFIX = "whsec_";
const KEY_BYTES = 32;

/** A secret as it is shown: `whsec_` and 32 random bytes in base64. */
export const newSecret = (): string => `${PREFIX}${randomBytes(KEY_BYTES).toString("base64")}`;

/** Who signs: the secret, and after a rotation for a while the one before it. */
type Signer = Pick<StoredWebhook, "secret" | "previousSecret" | "previousUntilMs">;

function secretsOf({ secret, previousSecret, previousUntilMs }: Signer, nowMs: number): string[] {
  const isBoth = previousSecret !== null && nowMs < (previousUntilMs ?? 0);
  return isBoth ? [secret, previousSecret] : [secret];
}

/** The headers of a message, signed at a time. */
export function headersOf(signer: Signer, message: { id: string; body: string; nowMs: number }) {
  const { id, body, nowMs } = message;
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secretsOf(signer, nowMs).map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return {
    "content-type": "application/cloudevents+json; charset=utf-8",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}

/**
 * Operations on webhooks.
 */
import { z } from "zod";
import { nothing, type Route } from "./route.js";
import { nextCursor, objectOf, page, text, timeMs } from "./schemas.js";

const status = z.enum(["pending", "delivered", "dead"]);

const webhook = z.object({
  id: z.string(),
  project: z.string().nullable().meta({ description: "whose events it is told of; null for all" }),
  url: z.string(),
  actions: z
    .array(z.string())
    .nullable()
    .meta({ description: "which actions of the audit log; null for all" }),
  allowPrivate: z.boolean(),
  isEnabled: z.boolean(),
  createdAtMs: timeMs,
});

const withSecret = webhook.extend({
  secret: z.string().meta({ description: "what receivers verify signatures with, told this once" }),
});

/** One that lies in a private network is added by who has the database or the process: not over HTTP. */
const webhookInput = z.strictObject({
  url: z.string().min(1).max(2000).meta({ description: "https, out into the internet" }),
  project: text.nullable().optional(),
  actions: z.array(text).max(100).nullable().optional(),
});

const event = z.object({
  id: z.number().int(),
  project: z.string(),
  experiment: z.string().nullable(),
  action: z.string(),
  actor: z.string(),
  reason: z.string().nullable(),
  details: objectOf("what the action was about"),
  atMs: timeMs,
});

const delivery = z.object({
  id: z.number().int(),
  uid: z.string().meta({ description: "the webhook-id of every attempt" }),
  webhook: z.string(),
  status,
  attempts: z.number().int(),
  nextAtMs: timeMs,
  lastAtMs: timeMs.nullable(),
  lastStatus: z.number().nullable(),
  lastError: z.string().nullable(),
  event,
});

const ofOne = (verb: string, summary: string) =>
  ({
    method: "post",
    path: `/v1/webhooks/{webhook}/${verb}`,
    scope: "admin",
    summary,
    response: webhook,
  }) as const;

/** Operations on webhooks, by their ids. */
export const webhookRoutes = {
  listWebhooks: {
    method: "get",
    path: "/v1/webhooks",
    scope: "admin",
    summary: "Endpoints that are told of events, oldest first",
    response: z.object({ webhooks: z.array(webhook) }),
  },
  addWebhook: {
    method: "post",
    path: "/v1/webhooks",
    scope: "admin",
    summary: "Adds an endpoint, which is told of what happens from now on; its secret is told this once",
    body: webhookInput,
    response: withSecret,
    status: 201,
  },
  enableWebhook: { ...ofOne("enable", "Tells an endpoint of what happens from now on, again") },
  disableWebhook: { ...ofOne("disable", "Tells an endpoint of nothing, until it is enabled again") },
  removeWebhook: { ...ofOne("remove", "Removes an endpoint and what was to be delivered to it") },
  rotateWebhookSecret: {
    ...ofOne("rotate", "Gives an endpoint a new secret; for a day the old one signs too"),
    response: withSecret,
  },
  testWebhook: {
    ...ofOne("test", "Sends an event dethrone.webhook.test, once and at once"),
    response: z.object({
      isDelivered: z.boolean(),
      retryAfterMs: z
        .number()
        .nullable()
        .describe("for how long it asks not to be tried again; null where it does not say"),
      status: z.number().nullable(),
      error: z.string().nullable(),
    }),
  },
  listDeliveries: {
    method: "get",
    path: "/v1/deliveries",
    scope: "admin",
    summary: "Events on their way to endpoints, newest first",
    query: page.extend({ webhook: text.optional(), status: status.optional() }),
    response: z.object({ deliveries: z.array(delivery), nextCursor }),
  },
  retryDelivery: {
    method: "post",
    path: "/v1/deliveries/{delivery}/retry",
    scope: "admin",
    summary: "Has a delivery made again, with the next tick, under the same id",
    response: nothing,
  },
} as const satisfies Record<string, Route>;

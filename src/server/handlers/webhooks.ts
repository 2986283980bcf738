/**
 * Webhooks: endpoints that are told of events, and what is on its way to them.
 */
import { DethroneError } from "../../core/errors.js";
import { type Handler, type Handlers, NOTHING } from "./handler.js";

/** What is done to one webhook, provided that the principal may look at it. */
function toOne(verb: "enable" | "disable" | "remove"): Handler<"enableWebhook"> {
  return async ({ engine }, { params, principal }) => {
    const { id } = await engine.webhooks.get(params.webhook, principal);
    return engine.webhooks[verb](id);
  };
}

/** Answers what is asked of webhooks. */
export const webhookHandlers: Handlers<
  | "listWebhooks"
  | "addWebhook"
  | "enableWebhook"
  | "disableWebhook"
  | "removeWebhook"
  | "rotateWebhookSecret"
  | "testWebhook"
  | "listDeliveries"
  | "retryDelivery"
> = {
  async listWebhooks({ engine }, { principal }) {
    return { webhooks: await engine.webhooks.list(principal) };
  },

  addWebhook({ engine }, { body, principal }) {
    if ((body.project ?? null) === null && principal.projects !== null) {
      throw new DethroneError("scope_missing", "The key is for some projects alone: name the one to watch.", {
        allowed: principal.projects,
      });
    }
    return engine.webhooks.add(body);
  },

  enableWebhook: toOne("enable"),
  disableWebhook: toOne("disable"),
  removeWebhook: toOne("remove"),

  async rotateWebhookSecret({ engine }, { params, principal }) {
    const { id } = await engine.webhooks.get(params.webhook, principal);
    return engine.webhooks.rotate(id);
  },

  async testWebhook({ engine }, { params, principal }) {
    const { id } = await engine.webhooks.get(params.webhook, principal);
    return engine.webhooks.test(id);
  },

  listDeliveries: ({ engine }, { query, principal }) =>
    engine.webhooks.deliveries({ ...query, projects: principal.projects }),

  async retryDelivery({ engine }, { params, principal }) {
    await engine.webhooks.retry(params.delivery, principal);
    return NOTHING;
  },
};

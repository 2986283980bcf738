/**
 * Webhooks: `webhooks add`, `list`, `enable`, `disable`, `rotate`, `remove`, `test`, `deliveries`, `retry`.
 */
import { DethroneError } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import type { DeliveryStatus } from "../../engine/ports.js";
import type { NewWebhook, WebhookSummary } from "../../engine/webhooks/webhooks.js";
import { withEngine } from "../open.js";
import { invalidFlag, numberFrom } from "../settings.js";
import { deliveriesText, webhooksText } from "../webhook-views.js";
import type { CommandContext } from "./context.js";

/** Flags of `webhooks add`. */
export interface WebhookFlags {
  readonly project?: string;
  readonly event?: readonly string[];
  readonly allowPrivate?: boolean;
}

/** Flags of `webhooks deliveries`. */
export interface DeliveriesFlags {
  readonly webhook?: string;
  readonly status?: string;
  readonly limit?: string;
}

const STATUSES: readonly string[] = ["pending", "delivered", "dead"] satisfies DeliveryStatus[];

function onEngine<T>({ url }: CommandContext, use: (engine: Engine) => Promise<T>): Promise<T> {
  return withEngine(url, { mustExist: true }, ({ engine }) => use(engine));
}

function tellSecret({ output }: CommandContext, webhook: NewWebhook): void {
  output.note(
    "This is the only time the secret is shown: verify signatures with it. The database keeps it as it is, to sign.",
  );
  output.result(webhook, () => `${webhook.id}\n${webhook.secret}`);
}

/** `webhooks add URL` */
export async function addWebhook(context: CommandContext, url: string, flags: WebhookFlags): Promise<void> {
  const { project, event: actions, allowPrivate } = flags;
  await onEngine(context, async (engine) =>
    tellSecret(context, await engine.webhooks.add({ url, project, actions, allowPrivate })),
  );
}

/** `webhooks list` */
export async function listWebhooks(context: CommandContext): Promise<void> {
  await onEngine(context, async (engine) => {
    const webhooks = await engine.webhooks.list();
    context.output.result({ webhooks }, () => webhooksText(webhooks, context.output.colors));
  });
}

const DONE = { enable: "Enabled", disable: "Disabled", remove: "Removed" } as const;

/** `webhooks enable`, `disable`, `remove` */
export async function changeWebhook(
  context: CommandContext,
  verb: keyof typeof DONE,
  ref: string,
): Promise<void> {
  await onEngine(context, async (engine) => {
    const webhook: WebhookSummary = await engine.webhooks[verb](ref);
    context.output.result(webhook, () => `${DONE[verb]} webhook ${webhook.id} (${webhook.url}).`);
  });
}

/** `webhooks rotate WEBHOOK` */
export async function rotateWebhook(context: CommandContext, ref: string): Promise<void> {
  await onEngine(context, async (engine) => {
    const webhook = await engine.webhooks.rotate(ref);
    context.output.note("For a day the old secret signs too.");
    tellSecret(context, webhook);
  });
}

/** `webhooks test WEBHOOK` */
export async function testWebhook(context: CommandContext, ref: string): Promise<void> {
  await onEngine(context, async (engine) => {
    const posted = await engine.webhooks.test(ref);
    context.output.result(posted, () =>
      posted.isDelivered ? `Delivered: answered ${posted.status}.` : `Not delivered: ${posted.error}.`,
    );
    if (!posted.isDelivered) process.exitCode = new DethroneError("server_unavailable", "").exitCode;
  });
}

/** `webhooks deliveries` */
export async function listDeliveries(context: CommandContext, flags: DeliveriesFlags): Promise<void> {
  const { webhook, status, limit } = flags;
  if (status !== undefined && !STATUSES.includes(status))
    invalidFlag("--status", status, `one of ${STATUSES.join(", ")}`);
  await onEngine(context, async (engine) => {
    const page = await engine.webhooks.deliveries({
      ...{ webhook, status: status as DeliveryStatus | undefined },
      limit: limit === undefined ? undefined : numberFrom(limit),
    });
    context.output.result(page, () => deliveriesText(page, Date.now(), context.output.colors));
  });
}

/** `webhooks retry [DELIVERY]` */
export async function retryDelivery(
  context: CommandContext,
  uid: string | undefined,
  { dead }: { readonly dead?: string },
): Promise<void> {
  if ((uid === undefined) === (dead === undefined))
    throw new DethroneError("usage_invalid", "Name a delivery, or give --dead and a webhook.", {});
  await onEngine(context, async (engine) => {
    await (uid === undefined ? engine.webhooks.retryDead(dead ?? "") : engine.webhooks.retry(uid));
    const { delivered, failed } = await engine.webhooks.deliver();
    context.output.result(
      { delivered, failed },
      () => `${delivered} delivered, ${failed} failed. What is left is tried again by the next ticks.`,
    );
  });
}

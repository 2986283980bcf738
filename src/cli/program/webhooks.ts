/**
 * Webhooks.
 */
import type { Command } from "commander";
import {
  addWebhook,
  changeWebhook,
  type DeliveriesFlags,
  listDeliveries,
  listWebhooks,
  retryDelivery,
  rotateWebhook,
  testWebhook,
  type WebhookFlags,
} from "../commands/webhooks.js";
import { collect, contextOf } from "./context.js";

const CHANGES = [
  ["enable", "tell an endpoint of what happens from now on, again"],
  ["disable", "tell an endpoint of nothing, until it is enabled again"],
  ["remove", "remove an endpoint, and what was to be delivered to it"],
] as const;

/** `webhooks add`, `list`, `enable`, `disable`, `rotate`, `remove`, `test`, `deliveries`, `retry` */
export function addWebhooks(program: Command): void {
  const webhooks = program
    .command("webhooks")
    .description("endpoints that are told of decisions and changes; those who decide deliver");
  webhooks
    .command("add <url>")
    .description("tell an endpoint of what happens from now on, and show its secret, this once")
    .option("--project <key>", "only of this project (default: all)")
    .option("--event <action>", "only of this action, e.g. promoted; repeatable (default: all)", collect)
    .option("--allow-private", "it may lie on this machine or in a private network, and speak plain HTTP")
    .action(async (url: string, flags: WebhookFlags, command: Command) =>
      addWebhook(await contextOf(command), url, flags),
    );
  webhooks
    .command("list")
    .description("all endpoints, without their secrets")
    .action(async (_flags: object, command: Command) => listWebhooks(await contextOf(command)));
  for (const [verb, description] of CHANGES)
    webhooks
      .command(`${verb} <webhook>`)
      .description(description)
      .action(async (ref: string, _flags: object, command: Command) =>
        changeWebhook(await contextOf(command), verb, ref),
      );
  webhooks
    .command("rotate <webhook>")
    .description("give an endpoint a new secret; for a day the old one signs too")
    .action(async (ref: string, _flags: object, command: Command) =>
      rotateWebhook(await contextOf(command), ref),
    );
  webhooks
    .command("test <webhook>")
    .description("send an event dethrone.webhook.test, now; exit 6 if it is not delivered")
    .action(async (ref: string, _flags: object, command: Command) =>
      testWebhook(await contextOf(command), ref),
    );
  addDeliveries(webhooks);
}

function addDeliveries(webhooks: Command): void {
  webhooks
    .command("deliveries")
    .description("what is on its way to endpoints, and how it went, newest first")
    .option("--webhook <id>", "only to this one")
    .option("--status <status>", "pending, delivered or dead")
    .option("--limit <count>", "how many at most, up to 200 (default: 50)")
    .action(async (flags: DeliveriesFlags, command: Command) =>
      listDeliveries(await contextOf(command), flags),
    );
  webhooks
    .command("retry [delivery]")
    .description("make a delivery again, now, under the same id")
    .option("--dead <webhook>", "all dead ones of this endpoint")
    .action(async (uid: string | undefined, flags: { dead?: string }, command: Command) =>
      retryDelivery(await contextOf(command), uid, flags),
    );
}

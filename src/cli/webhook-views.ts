/**
 * What people see of webhooks: data in, text out.
 */
import { shortId } from "../core/words/names.js";
import { timeAgo } from "../core/words/numbers.js";
import type { StoredDelivery } from "../engine/ports.js";
import type { DeliveryPage, WebhookSummary } from "../engine/webhooks/webhooks.js";
import { type Colors, table } from "./render.js";
import { timeText } from "./views.js";

/** All webhooks, one a line. */
export function webhooksText(webhooks: readonly WebhookSummary[], colors: Colors): string {
  if (webhooks.length === 0) return "There is no webhook. Add one with 'dethrone webhooks add URL'.";
  const rows = webhooks.map(({ id, url, project, actions, isEnabled, allowPrivate }) => [
    id,
    url,
    project ?? "all",
    actions?.join(" ") ?? "all",
    `${isEnabled ? "enabled" : colors.dim("disabled")}${allowPrivate ? ", may be private" : ""}`,
  ]);
  const header = ["id", "url", "projects", "events", "state"];
  return table(rows, { header, align: header.map(() => "left" as const), colors });
}

function stateText({ status, attempts, nextAtMs }: StoredDelivery, nowMs: number, colors: Colors): string {
  if (status === "delivered") return colors.green("delivered");
  if (status === "dead") return colors.red("dead");
  if (attempts === 0) return "waits";
  return colors.yellow(nextAtMs <= nowMs ? "due" : `again at ${timeText(nextAtMs)}`);
}

const lastText = ({ attempts, lastStatus, lastError }: StoredDelivery): string =>
  lastError ?? (lastStatus === null ? (attempts === 0 ? "-" : "no end known") : `answered ${lastStatus}`);

/** Deliveries, newest first. */
export function deliveriesText(
  { deliveries, nextCursor }: DeliveryPage,
  nowMs: number,
  colors: Colors,
): string {
  if (deliveries.length === 0) return "Nothing has been on its way to a webhook.";
  const rows = deliveries.map((each) => [
    each.uid,
    shortId(each.webhook),
    `${each.event.project} ${each.event.action}`,
    timeAgo(nowMs - each.event.atMs),
    stateText(each, nowMs, colors),
    each.attempts,
    lastText(each),
  ]);
  const header = ["delivery", "webhook", "event", "when", "state", "attempts", "last"];
  const align = header.map((name) => (name === "attempts" ? "right" : "left") as "left" | "right");
  const more = nextCursor === null ? "" : `\n${colors.dim("There are older ones: --limit shows up to 200.")}`;
  return `${table(rows, { header, align, colors })}${more}`;
}

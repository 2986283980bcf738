/**
 * Webhooks and their deliveries.
 */
import { and, asc, count, desc, eq, inArray, lt, lte, ne, or, sql } from "drizzle-orm";
import type {
  AttemptEnd,
  StoredDelivery,
  StoredWebhook,
  WebhookBacklog,
  WebhookChange,
  WebhookStore,
} from "../../engine/ports.js";
import { builder, projectIdOf, statement } from "../changes/statements.js";
import type { OpenDatabase } from "../database.js";
import { auditLog, experiments, projects } from "../schema/main.js";
import { webhookDeliveries, webhooks } from "../schema/webhooks.js";
import type { Transact, WriteStatement } from "../writer/write-protocol.js";

/** Everything that is in the log by now has been seen. */
const NEWEST = sql<number>`(SELECT coalesce(max(id), 0) FROM audit_log)`;

const WEBHOOK = {
  id: webhooks.id,
  project: projects.key,
  url: webhooks.url,
  actions: webhooks.actions,
  secret: webhooks.secret,
  previousSecret: webhooks.previousSecret,
  previousUntilMs: webhooks.previousUntilMs,
  allowPrivate: webhooks.allowPrivate,
  isEnabled: webhooks.isEnabled,
  seenId: webhooks.seenId,
  createdAtMs: webhooks.createdAtMs,
};

const EVENT = {
  id: auditLog.id,
  project: projects.key,
  experiment: experiments.uid,
  action: auditLog.action,
  actor: auditLog.actor,
  reason: auditLog.reason,
  details: auditLog.details,
  atMs: auditLog.atMs,
};

const DELIVERY = {
  id: webhookDeliveries.id,
  uid: webhookDeliveries.uid,
  webhook: webhookDeliveries.webhookId,
  status: webhookDeliveries.status,
  attempts: webhookDeliveries.attempts,
  nextAtMs: webhookDeliveries.nextAtMs,
  lastAtMs: webhookDeliveries.lastAtMs,
  lastStatus: webhookDeliveries.lastStatus,
  lastError: webhookDeliveries.lastError,
  event: EVENT,
};

const isPending = eq(webhookDeliveries.status, "pending");

const isTo = (ids: readonly string[] | null) =>
  ids === null ? undefined : inArray(webhookDeliveries.webhookId, [...ids]);

const anew = (nowMs: number) => ({ status: "pending" as const, attempts: 0, nextAtMs: nowMs });

/** See `WebhookStore`. */
export class SqlWebhooks implements WebhookStore {
  readonly #database: OpenDatabase;
  readonly #transact: Transact;

  constructor(database: OpenDatabase, transact: Transact) {
    this.#database = database;
    this.#transact = transact;
  }

  async add({ project, ...webhook }: Parameters<WebhookStore["add"]>[0]): Promise<boolean> {
    const projectId = project === null ? null : (projectIdOf(project) as never);
    const exists: WriteStatement[] =
      project === null
        ? []
        : [statement(builder.update(projects).set({ key: project }).where(eq(projects.key, project)), 1)];
    const row = { ...webhook, projectId, seenId: NEWEST as never };
    return this.#transact([...exists, statement(builder.insert(webhooks).values(row))]);
  }

  all(): Promise<StoredWebhook[]> {
    return this.#webhooks(undefined);
  }

  waiting(nowMs: number): Promise<StoredWebhook[]> {
    const isDue = sql`EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.webhook_id = ${webhooks.id}
      AND d.status = 'pending' AND d.next_at_ms <= ${nowMs})`;
    return this.#webhooks(and(eq(webhooks.isEnabled, true), or(lt(webhooks.seenId, NEWEST), isDue)));
  }

  #webhooks(where: ReturnType<typeof and>): Promise<StoredWebhook[]> {
    return this.#database.read((db) =>
      db
        .select(WEBHOOK)
        .from(webhooks)
        .leftJoin(projects, eq(projects.id, webhooks.projectId))
        .where(where)
        .orderBy(asc(webhooks.createdAtMs), asc(webhooks.id)),
    );
  }

  async change(id: string, change: WebhookChange): Promise<void> {
    const isOn = change.isEnabled === true;
    // One that is enabled already misses nothing by being enabled again.
    const seenId = sql`CASE WHEN is_enabled = 1 THEN seen_id ELSE ${NEWEST} END` as never;
    const set = { ...change, ...(isOn && { seenId }) };
    await this.#transact([statement(builder.update(webhooks).set(set).where(eq(webhooks.id, id)))]);
  }

  async remove(id: string): Promise<void> {
    await this.#transact([
      statement(builder.delete(webhookDeliveries).where(eq(webhookDeliveries.webhookId, id))),
      statement(builder.delete(webhooks).where(eq(webhooks.id, id))),
    ]);
  }

  queue(input: Parameters<WebhookStore["queue"]>[0]): Promise<boolean> {
    const { webhook, seenId, deliveries, nowMs } = input;
    const isSame = and(eq(webhooks.id, webhook.id), eq(webhooks.seenId, webhook.seenId));
    const rows = deliveries.map((delivery) => ({
      ...delivery,
      ...{ webhookId: webhook.id, status: "pending" as const, attempts: 0, nextAtMs: nowMs },
    }));
    return this.#transact([
      statement(builder.update(webhooks).set({ seenId }).where(isSame), 1),
      ...(rows.length === 0 ? [] : [statement(builder.insert(webhookDeliveries).values(rows))]),
    ]);
  }

  due({ webhook, nowMs, limit }: Parameters<WebhookStore["due"]>[0]): Promise<StoredDelivery[]> {
    const isDue = and(
      isPending,
      eq(webhookDeliveries.webhookId, webhook),
      lte(webhookDeliveries.nextAtMs, nowMs),
    );
    return this.#deliveries(isDue, asc(webhookDeliveries.id), limit);
  }

  deliveries(input: Parameters<WebhookStore["deliveries"]>[0]): Promise<StoredDelivery[]> {
    const { webhooks: ids, status, beforeId, limit } = input;
    const where = and(
      isTo(ids),
      status === null ? undefined : eq(webhookDeliveries.status, status),
      lt(webhookDeliveries.id, beforeId),
    );
    return this.#deliveries(where, desc(webhookDeliveries.id), limit);
  }

  #deliveries(
    where: ReturnType<typeof and>,
    order: ReturnType<typeof asc>,
    limit: number,
  ): Promise<StoredDelivery[]> {
    return this.#database.read((db) =>
      db
        .select(DELIVERY)
        .from(webhookDeliveries)
        .innerJoin(auditLog, eq(auditLog.id, webhookDeliveries.eventId))
        .innerJoin(projects, eq(projects.id, auditLog.projectId))
        .leftJoin(experiments, eq(experiments.id, auditLog.experimentId))
        .where(where)
        .orderBy(order)
        .limit(limit),
    );
  }

  begin({ uid, attempt, nextAtMs, nowMs }: Parameters<WebhookStore["begin"]>[0]): Promise<boolean> {
    const isFree = and(
      eq(webhookDeliveries.uid, uid),
      eq(webhookDeliveries.attempts, attempt - 1),
      isPending,
    );
    const set = { attempts: attempt, nextAtMs, lastAtMs: nowMs, lastStatus: null, lastError: null };
    return this.#transact([statement(builder.update(webhookDeliveries).set(set).where(isFree), 1)]);
  }

  async end({ uid, attempt, ...set }: AttemptEnd): Promise<void> {
    const isSame = and(eq(webhookDeliveries.uid, uid), eq(webhookDeliveries.attempts, attempt));
    await this.#transact([statement(builder.update(webhookDeliveries).set(set).where(isSame))]);
  }

  again({ uid, webhooks: ids, nowMs }: Parameters<WebhookStore["again"]>[0]): Promise<boolean> {
    const isIt = and(eq(webhookDeliveries.uid, uid), isTo(ids));
    return this.#transact([statement(builder.update(webhookDeliveries).set(anew(nowMs)).where(isIt), 1)]);
  }

  async againDead({ webhook, nowMs }: Parameters<WebhookStore["againDead"]>[0]): Promise<void> {
    const isDead = and(eq(webhookDeliveries.webhookId, webhook), eq(webhookDeliveries.status, "dead"));
    await this.#transact([statement(builder.update(webhookDeliveries).set(anew(nowMs)).where(isDead))]);
  }

  backlogs(): Promise<WebhookBacklog[]> {
    const { status, attempts } = webhookDeliveries;
    return this.#database.read((db) =>
      db
        .select({
          webhook: webhooks.id,
          url: webhooks.url,
          failing: count(sql`CASE WHEN ${status} = 'pending' AND ${attempts} > 0 THEN 1 END`),
          oldestAtMs: sql<number | null>`min(CASE WHEN ${status} = 'pending' THEN ${auditLog.atMs} END)`,
          dead: count(sql`CASE WHEN ${status} = 'dead' THEN 1 END`),
        })
        .from(webhooks)
        .innerJoin(webhookDeliveries, eq(webhookDeliveries.webhookId, webhooks.id))
        .innerJoin(auditLog, eq(auditLog.id, webhookDeliveries.eventId))
        .where(and(eq(webhooks.isEnabled, true), ne(status, "delivered")))
        .groupBy(webhooks.id, webhooks.url)
        .orderBy(asc(webhooks.id)),
    );
  }

  async forget(beforeMs: number): Promise<void> {
    const isOver = and(ne(webhookDeliveries.status, "pending"), lt(webhookDeliveries.lastAtMs, beforeMs));
    await this.#transact([statement(builder.delete(webhookDeliveries).where(isOver))]);
  }
}

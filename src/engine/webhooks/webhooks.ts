/**
 * Endpoints that are told of decisions and changes: added, listed, enabled, tested, removed.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { DAY_MS } from "../duration.js";
import type { DeliveryStatus, StoredDelivery, StoredWebhook } from "../ports.js";
import { checkedLimit, pageOf, placeOfCursor } from "../sessions/search.js";
import { ACTIONS } from "../words/history.js";
import { checkedUrl } from "./address.js";
import type { Courier, CourierRound } from "./courier.js";
import { cloudEvent, newSecret } from "./message.js";
import type { Posted } from "./post.js";

/** What a webhook is to be. */
export interface WebhookInput {
  /** https, and out into the internet, unless `allowPrivate` */
  readonly url: string;
  /** key of the project whose events it is told of; default: all, those to come included */
  readonly project?: string | null | undefined;
  /** actions of the audit log that it is told of, e.g. `promoted`; default: all */
  readonly actions?: readonly string[] | null | undefined;
  /** lets it lie on this machine or in a private network, and speak plain HTTP; default false */
  readonly allowPrivate?: boolean | undefined;
}

/** A webhook as it may be shown: everything but what signs. */
export type WebhookSummary = Omit<StoredWebhook, "secret" | "previousSecret" | "previousUntilMs" | "seenId">;

/** A webhook with a secret that has just been made. */
export interface NewWebhook extends WebhookSummary {
  /** what receivers verify signatures with, told this once */
  readonly secret: string;
}

/** Whose webhooks a caller may look at. */
interface WithinProjects {
  /** keys of projects; default: all */
  readonly projects?: readonly string[] | null | undefined;
}

/** Which deliveries are listed. */
export interface DeliveryFilter extends WithinProjects {
  /** id of the webhook, or the beginning of it; default: all */
  readonly webhook?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
  /** how many at most, an integer in [1, 200]; default 50 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

/** A page of deliveries, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly StoredDelivery[];
  readonly nextCursor: string | null;
}

/** How long the secret before the last rotation signs too. */
const OVERLAP_MS = DAY_MS;

const summaryOf = ({
  secret: _secret,
  previousSecret: _previous,
  previousUntilMs: _until,
  seenId: _seen,
  ...rest
}: StoredWebhook): WebhookSummary => rest;

/** The webhooks of an engine. */
export class Webhooks {
  readonly #context: EngineContext;
  readonly #courier: Courier;

  constructor(context: EngineContext, courier: Courier) {
    this.#context = context;
    this.#courier = courier;
  }

  get #store() {
    return this.#context.requireStore().webhooks;
  }

  /**
   * Adds a webhook, which is told of what happens from now on.
   *
   * @throws DethroneError `webhook_url_refused`, `settings_invalid`, `project_not_found`
   */
  async add({
    url,
    project = null,
    actions = null,
    allowPrivate = false,
  }: WebhookInput): Promise<NewWebhook> {
    const webhook = {
      ...{ id: this.#context.ids.next(), project, url: checkedUrl(url, allowPrivate) },
      ...{ actions: checkedActions(actions), allowPrivate, isEnabled: true },
      createdAtMs: this.#context.clock.now(),
    };
    const secret = newSecret();
    const signer = { secret, previousSecret: null, previousUntilMs: null };
    if (await this.#store.add({ ...webhook, ...signer })) return { ...webhook, secret };
    throw new DethroneError("project_not_found", `There is no project '${project}'.`, { received: project });
  }

  /** All webhooks, oldest first. */
  async list(within: WithinProjects = {}): Promise<WebhookSummary[]> {
    return (await this.#within(within)).map(summaryOf);
  }

  /** One webhook by its id, or the beginning of it. @throws DethroneError `webhook_not_found` */
  async get(ref: string, within: WithinProjects = {}): Promise<WebhookSummary> {
    return summaryOf(await this.#find(ref, within));
  }

  /** Tells a webhook of what happens from now on, again. @throws DethroneError `webhook_not_found` */
  enable(ref: string): Promise<WebhookSummary> {
    return this.#switch(ref, true);
  }

  /** Tells a webhook of nothing, until it is enabled again. @throws DethroneError `webhook_not_found` */
  disable(ref: string): Promise<WebhookSummary> {
    return this.#switch(ref, false);
  }

  async #switch(ref: string, isEnabled: boolean): Promise<WebhookSummary> {
    const webhook = await this.#find(ref);
    await this.#store.change(webhook.id, { isEnabled });
    return { ...summaryOf(webhook), isEnabled };
  }

  /** Gives a webhook a new secret; for a day the old one signs too. @throws DethroneError `webhook_not_found` */
  async rotate(ref: string): Promise<NewWebhook> {
    const webhook = await this.#find(ref);
    const secret = newSecret();
    const previousUntilMs = this.#context.clock.now() + OVERLAP_MS;
    await this.#store.change(webhook.id, { secret, previousSecret: webhook.secret, previousUntilMs });
    return { ...summaryOf(webhook), secret };
  }

  /** Removes a webhook, and what was to be delivered to it. @throws DethroneError `webhook_not_found` */
  async remove(ref: string): Promise<WebhookSummary> {
    const webhook = await this.#find(ref);
    await this.#store.remove(webhook.id);
    return summaryOf(webhook);
  }

  /** Sends an event `dethrone.webhook.test`, once and at once. @throws DethroneError `webhook_not_found` */
  async test(ref: string): Promise<Posted> {
    const webhook = await this.#find(ref);
    const id = this.#context.ids.next();
    const entry = {
      ...{ id: 0, project: webhook.project ?? "test", experiment: null, action: "test", actor: "dethrone" },
      ...{ reason: null, details: { webhook: webhook.id }, atMs: this.#context.clock.now() },
    };
    return this.#courier.send(webhook, id, JSON.stringify(cloudEvent(id, entry, "dethrone.webhook.test")));
  }

  /** A page of deliveries, newest first. @throws DethroneError `webhook_not_found`, `input_invalid` */
  async deliveries(filter: DeliveryFilter = {}): Promise<DeliveryPage> {
    const { webhook, status = null, limit, cursor } = filter;
    const most = checkedLimit(limit);
    const rows = await this.#store.deliveries({
      webhooks: webhook === undefined ? await this.#ids(filter) : [(await this.#find(webhook, filter)).id],
      ...{ status, beforeId: placeOfCursor(cursor), limit: most + 1 },
    });
    const { page, nextCursor } = pageOf(rows, most, ({ id }) => id);
    return { deliveries: page, nextCursor };
  }

  /**
   * Has a delivery made again with the next round, dead, delivered or waiting, under the same id.
   *
   * @throws DethroneError `delivery_not_found`
   */
  async retry(uid: string, within: WithinProjects = {}): Promise<void> {
    const nowMs = this.#context.clock.now();
    if (await this.#store.again({ uid, webhooks: await this.#ids(within), nowMs })) return;
    const message = `There is no delivery '${uid}'. See 'dethrone webhooks deliveries'.`;
    throw new DethroneError("delivery_not_found", message, { received: uid });
  }

  /** Has all dead deliveries of a webhook made again with the next round. @throws DethroneError `webhook_not_found` */
  async retryDead(ref: string): Promise<void> {
    const { id: webhook } = await this.#find(ref);
    await this.#store.againDead({ webhook, nowMs: this.#context.clock.now() });
  }

  /** Delivers what is due, now: half a minute at most. Ticks that are not dry do so by themselves. */
  deliver(): Promise<CourierRound> {
    return this.#courier.deliver();
  }

  /** Resolves when nothing is being delivered in the background. */
  idle(): Promise<void> {
    return this.#courier.idle();
  }

  /** Webhooks of these projects alone; one of all projects is nobody's who may not look into all. */
  async #within({ projects = null }: WithinProjects): Promise<StoredWebhook[]> {
    const all = await this.#store.all();
    return all.filter(({ project }) => projects === null || (project !== null && projects.includes(project)));
  }

  async #ids(within: WithinProjects): Promise<readonly string[] | null> {
    return (within.projects ?? null) === null ? null : (await this.#within(within)).map(({ id }) => id);
  }

  async #find(ref: string, within: WithinProjects = {}): Promise<StoredWebhook> {
    const all = await this.#within(within);
    const found = all.filter(({ id }) => ref !== "" && id.startsWith(ref));
    const [webhook] = found;
    if (webhook && found.length === 1) return webhook;
    const what = webhook ? `${found.length} webhooks' ids begin with` : "There is no webhook";
    throw new DethroneError("webhook_not_found", `${what} '${ref}'. See 'dethrone webhooks list'.`, {
      received: ref,
    });
  }
}

/** @throws DethroneError `settings_invalid` */
function checkedActions(actions: unknown): readonly string[] | null {
  if (actions === null) return null;
  if (Array.isArray(actions) && actions.length > 0 && actions.every((each) => ACTIONS.includes(each)))
    return [...new Set(actions as string[])];
  throw new DethroneError("settings_invalid", `actions must be some of ${ACTIONS.join(", ")}.`, {
    field: "actions",
    received: received(actions),
    allowed: [...ACTIONS],
  });
}

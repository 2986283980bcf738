/**
 * Keys of the HTTP server and the answers it keeps, over a libSQL file.
 */
import { and, asc, eq, isNull, lt } from "drizzle-orm";
import type { AccessStore, ReplyKey, StoredKey, StoredReply } from "../../engine/ports.js";
import { builder, statement } from "../changes/statements.js";
import type { OpenDatabase } from "../database.js";
import { apiKeys, idempotencyKeys } from "../schema/access.js";
import type { Transact } from "../writer/write-protocol.js";

const isReply = ({ keyId, idempotencyKey }: ReplyKey) =>
  and(eq(idempotencyKeys.keyId, keyId), eq(idempotencyKeys.idempotencyKey, idempotencyKey));

/** See `AccessStore`. */
export class SqlAccess implements AccessStore {
  readonly #database: OpenDatabase;
  readonly #transact: Transact;

  constructor(database: OpenDatabase, transact: Transact) {
    this.#database = database;
    this.#transact = transact;
  }

  addKey(key: StoredKey): Promise<boolean> {
    return this.#transact([statement(builder.insert(apiKeys).values(key))]);
  }

  keys(): Promise<StoredKey[]> {
    return this.#database.read((db) =>
      db.select().from(apiKeys).orderBy(asc(apiKeys.createdAtMs), asc(apiKeys.id)),
    );
  }

  async keyByHash(hash: string): Promise<StoredKey | null> {
    const [key] = await this.#database.read((db) => db.select().from(apiKeys).where(eq(apiKeys.hash, hash)));
    return key ?? null;
  }

  revokeKey({ id, atMs }: Parameters<AccessStore["revokeKey"]>[0]): Promise<boolean> {
    const isActive = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAtMs));
    return this.#transact([statement(builder.update(apiKeys).set({ revokedAtMs: atMs }).where(isActive), 1)]);
  }

  async noteKeyUse({ id, atMs }: Parameters<AccessStore["noteKeyUse"]>[0]): Promise<void> {
    await this.#transact([
      statement(builder.update(apiKeys).set({ lastUsedAtMs: atMs }).where(eq(apiKeys.id, id))),
    ]);
  }

  async reply(key: ReplyKey): Promise<StoredReply | null> {
    const [reply] = await this.#database.read((db) => db.select().from(idempotencyKeys).where(isReply(key)));
    return reply ?? null;
  }

  beginReply(input: Parameters<AccessStore["beginReply"]>[0]): Promise<boolean> {
    const { keyId, idempotencyKey, fingerprint, atMs, forgetBeforeMs } = input;
    const place = { keyId, idempotencyKey, fingerprint, status: null, body: null, startedAtMs: atMs };
    return this.#transact([
      statement(builder.delete(idempotencyKeys).where(lt(idempotencyKeys.startedAtMs, forgetBeforeMs))),
      statement(builder.insert(idempotencyKeys).values(place)),
    ]);
  }

  async finishReply({ status, body, ...key }: Parameters<AccessStore["finishReply"]>[0]): Promise<void> {
    await this.#transact([
      statement(builder.update(idempotencyKeys).set({ status, body }).where(isReply(key))),
    ]);
  }

  async dropReply(key: ReplyKey): Promise<void> {
    await this.#transact([statement(builder.delete(idempotencyKeys).where(isReply(key)))]);
  }
}

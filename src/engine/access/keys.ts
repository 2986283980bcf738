/**
 * Keys that let other processes and people in over HTTP.
 *
 * A key is `dth_` and 32 random bytes in base64url. Only its SHA-256 is stored: against 256 random bits there is nothing
 * to try, so a slow hash would cost every request and protect nothing. The key itself is shown once, when it is made.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { DethroneError, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { isText } from "../experiments/description.js";
import type { Scope, StoredKey } from "../ports.js";

/** All scopes. None contains another: a key lists all of its own. */
const SCOPES = ["read", "record", "admin"] as const satisfies readonly Scope[];

/** What a key is to be. */
export interface KeyInput {
  /** for people, to tell keys apart; 1 to 200 characters */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** keys of the projects it is for; default: all, those to come included */
  readonly projects?: readonly string[] | null | undefined;
  /** milliseconds since the epoch; default: never */
  readonly expiresAtMs?: number | null | undefined;
}

/** A key as it may be shown: everything but what lets in. */
export type KeySummary = Omit<StoredKey, "hash">;

/** A key that has just been made. */
export interface NewKey extends KeySummary {
  /** the key itself, told this once */
  readonly key: string;
}

/** Who a request comes from. */
export interface Principal {
  readonly keyId: string;
  /** of the key; for the audit log */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** null for all */
  readonly projects: readonly string[] | null;
}

const PREFIX = "dth_";
const KEY_BYTES = 32;
const KEY_FORM = /^dth_[A-Za-z0-9_-]{43}$/;
/** How long a key that was let in is not looked up again: after so long one revoked elsewhere is refused here. */
const TRUST_MS = 2000;
const TRUSTED_MAX = 1000;
const USE_RESOLUTION_MS = 3_600_000;

const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex");

const summaryOf = ({ hash: _hash, ...rest }: StoredKey): KeySummary => rest;

/** Makes, lists and revokes keys, and lets their holders in. */
export class AccessKeys {
  readonly #context: EngineContext;
  readonly #trusted = new Map<string, { readonly key: StoredKey; readonly untilMs: number }>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Makes a key. @throws DethroneError `settings_invalid` */
  async create(input: KeyInput): Promise<NewKey> {
    const { name, scopes, projects, expiresAtMs } = checkedInput(input, this.#context.clock.now());
    const key = `${PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;
    const stored: StoredKey = {
      ...{ id: this.#context.ids.next(), name, hash: hashOf(key), scopes, projects, expiresAtMs },
      createdAtMs: this.#context.clock.now(),
      revokedAtMs: null,
      lastUsedAtMs: null,
    };
    await this.#context.requireStore().access.addKey(stored);
    return { ...summaryOf(stored), key };
  }

  /** All keys, oldest first; revoked and expired ones too. */
  async list(): Promise<KeySummary[]> {
    return (await this.#context.requireStore().access.keys()).map(summaryOf);
  }

  /**
   * Revokes a key, at once in this process and within two seconds in others.
   *
   * @param ref its id, the beginning of it, or its name
   * @throws DethroneError `key_not_found` where it is not one key that there is
   */
  async revoke(ref: string): Promise<KeySummary> {
    const { access } = this.#context.requireStore();
    const keys = (await access.keys()).filter(({ revokedAtMs }) => revokedAtMs === null);
    const exact = keys.filter(({ id, name }) => id === ref || name === ref);
    const found = exact.length > 0 ? exact : keys.filter(({ id }) => ref !== "" && id.startsWith(ref));
    const [key] = found;
    if (!key || found.length > 1) {
      const what = key ? `${found.length} keys are called` : "There is no key";
      throw new DethroneError("key_not_found", `${what} '${ref}'. See 'dethrone keys list'.`, {
        received: ref,
      });
    }
    const atMs = this.#context.clock.now();
    await access.revokeKey({ id: key.id, atMs });
    this.#trusted.delete(key.hash);
    return { ...summaryOf(key), revokedAtMs: atMs };
  }

  /** Whether there is any key that lets in. */
  async isAny(): Promise<boolean> {
    const now = this.#context.clock.now();
    return (await this.#context.requireStore().access.keys()).some((key) => whyRefused(key, now) === null);
  }

  /**
   * Who holds a key.
   *
   * @throws DethroneError `key_rejected`, which tells whether it is unknown, expired or revoked only once it was right
   */
  authenticate(key: string): Promise<Principal> {
    return this.authenticateHash(KEY_FORM.test(key) ? hashOf(key) : "");
  }

  /** As {@link authenticate}, by the SHA-256 of a key in hexadecimal: for who has shown it before. */
  async authenticateHash(hash: string): Promise<Principal> {
    const stored = hash === "" ? null : await this.#find(hash);
    if (!stored) throw new DethroneError("key_rejected", "The key is not known here.");
    const refused = whyRefused(stored, this.#context.clock.now());
    if (refused !== null)
      throw new DethroneError("key_rejected", `The key ${refused}.`, { keyId: stored.id });
    this.#noteUse(stored);
    const { id: keyId, name, scopes, projects } = stored;
    return { keyId, name, scopes, projects };
  }

  async #find(hash: string): Promise<StoredKey | null> {
    const now = this.#context.clock.now();
    const trusted = this.#trusted.get(hash);
    if (trusted && now < trusted.untilMs) return trusted.key;
    const key = await this.#context.requireStore().access.keyByHash(hash);
    // The index has compared the hash byte by byte; what is let in is compared in constant time.
    if (!key || !timingSafeEqual(Buffer.from(key.hash, "hex"), Buffer.from(hash, "hex"))) return null;
    this.#trusted.delete(hash);
    this.#trusted.set(hash, { key, untilMs: now + TRUST_MS });
    if (this.#trusted.size > TRUSTED_MAX) this.#trusted.delete(this.#trusted.keys().next().value as string);
    return key;
  }

  /** Noted at most once an hour: who looks for unused keys needs no more, and requests need not write. */
  #noteUse({ id, hash, lastUsedAtMs }: StoredKey): void {
    const atMs = this.#context.clock.now();
    if (lastUsedAtMs !== null && atMs - lastUsedAtMs < USE_RESOLUTION_MS) return;
    const trusted = this.#trusted.get(hash);
    if (trusted) this.#trusted.set(hash, { ...trusted, key: { ...trusted.key, lastUsedAtMs: atMs } });
    this.#context
      .requireStore()
      .access.noteKeyUse({ id, atMs })
      .catch((error: unknown) => this.#context.fail(null, "the use of a key could not be noted", error));
  }
}

/** Why a key does not let in; null where it does. */
function whyRefused({ revokedAtMs, expiresAtMs }: StoredKey, nowMs: number): string | null {
  if (revokedAtMs !== null) return "has been revoked";
  return expiresAtMs !== null && nowMs >= expiresAtMs ? "has expired" : null;
}

function refuse(field: string, value: unknown, allowed: string): never {
  throw new DethroneError("settings_invalid", `A key's ${field} must be ${allowed}.`, {
    field,
    received: received(value),
    allowed,
  });
}

function checkedInput(
  { name, scopes, projects = null, expiresAtMs = null }: KeyInput,
  nowMs: number,
): Required<Pick<StoredKey, "name" | "scopes" | "projects" | "expiresAtMs">> {
  if (!isText(name, 200)) refuse("name", name, "a text of 1 to 200 characters");
  const isScopes =
    Array.isArray(scopes) && scopes.length > 0 && scopes.every((each) => SCOPES.includes(each));
  if (!isScopes) refuse("scopes", scopes, `a list out of ${SCOPES.join(", ")}`);
  const isProjects =
    projects === null || (Array.isArray(projects) && projects.every((key) => isText(key, 200)));
  if (!isProjects) refuse("projects", projects, "a list of projects' keys, or null for all");
  if (expiresAtMs !== null && !(Number.isSafeInteger(expiresAtMs) && expiresAtMs > nowMs))
    refuse("expiry", expiresAtMs, "a time that is still to come");
  return { name, scopes: SCOPES.filter((scope) => scopes.includes(scope)), projects, expiresAtMs };
}

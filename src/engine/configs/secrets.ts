/**
 * Keeps credentials out of configs, which are stored for ever and shown to whoever reads an experiment.
 *
 * Two signs: a field whose name promises a credential and holds a text, and a text, however long, with a credential of
 * a well-known shape in it. Names of variables and references to secret stores are no secrets.
 */
import { DethroneError, type Json, type JsonObject } from "../../core/errors.js";
import type { NewConfig } from "../ports.js";
import { identifyConfig } from "./config.js";
import { isObject, own, type PlacedText, textsOf } from "./places.js";

const PATH_COUNT_MAX = 5;

/**
 * Refuses a config that seems to hold a secret.
 *
 * Every pattern takes time linear in the text: an attempt that fails has read little, or nothing that another reads.
 *
 * @param allowed dotted paths that are fine as they are, such as `login.password`
 * @throws DethroneError `config_secret` with the dotted paths and why, never the values
 * @example
 * assertNoSecrets({ apiKey: "$OPENAI_API_KEY", maxTokens: 4000 }); // passes
 * assertNoSecrets({ apiKey: "hunter2" }); // throws config_secret for the path 'apiKey'
 */
export function assertNoSecrets(body: JsonObject, allowed: readonly string[] = []): void {
  const findings: { path: string; reason: string }[] = [];
  for (const place of textsOf(body)) {
    const reason = allowed.includes(place.path) ? null : reasonOf(place);
    if (reason !== null) findings.push({ path: shownPath(place.path), reason });
  }
  const [first] = findings;
  if (first === undefined) return;
  const more = findings.length > 1 ? ` (${findings.length} such fields in all)` : "";
  throw new DethroneError(
    "config_secret",
    `The config field '${first.path}' looks like a secret: ${first.reason}${more}. A config is stored for ever: put ` +
      "the name of an environment variable there and read that when the agent runs, or allow the path.",
    {
      ...first,
      paths: findings.slice(0, PATH_COUNT_MAX).map(({ path }) => path),
      count: findings.length,
      allowed: "a reference such as '$API_KEY' or 'vault:key', or a path declared to be no secret",
    },
  );
}

/** A config with its identity, and without secrets. @throws DethroneError `config_invalid`, `config_secret` */
export function configWithoutSecrets(config: unknown, allowed?: readonly string[]): NewConfig {
  const identified = identifyConfig(config);
  assertNoSecrets(identified.body, allowed);
  return identified;
}

/** Why a text is taken for a secret, or null. */
function reasonOf({ text, isKey, field, holder }: PlacedText): string | null {
  const shape = shapeOf(text);
  if (shape !== null) return isKey ? `a key in it contains ${shape}` : `it contains ${shape}`;
  const name = labelOf(field, holder) ?? field;
  if (isKey || name === null || !isSecretName(name)) return null;
  return isCredential(text, name) ? "its name says so" : null;
}

// A secret may be a key on the way to another one.
function shownPath(path: string): string {
  if (path === "") return "(the whole)";
  return shapeOf(path) === null ? path : "(a path with a secret in it)";
}

/** What the field is called where it is the value of a pair, as in `{ "name": "API_KEY", "value": "..." }`. */
function labelOf(field: string | null, holder: Json): string | null {
  if (field !== "value" || !isObject(holder)) return null;
  const label = own(holder, "name") ?? own(holder, "key");
  return typeof label === "string" ? label : null;
}

// ---- Names

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Last words, or last two as one, of the names of fields that hold a credential; in the singular. */
const SECRET_NAMES = words(`
  secret password passwd passphrase passcode credential authorization authorisation bearer jwt
  apikey accesskey secretkey privatekey encryptionkey signingkey masterkey subscriptionkey authkey
  apitoken accesstoken authtoken bearertoken refreshtoken sessiontoken oauthtoken bottoken clientsecret dbpwd userpwd
`);

/** Words before `token` where it is a piece of text or a place in a list. Any other token is taken for a credential. */
const TEXT_TOKEN_WORDS = words(`
  stop start end begin bos eos eot eom pad padding unk unknown sep separator delimiter cls mask special control added
  additional new newline image audio video think thinking tool fim prefix middle suffix decoder trigger wake first last
  next per max min page continuation cursor input output prompt completion cached total estimated single
`);

/** The words of a name in any of the usual spellings: `OPENAI_API_KEY2` and `openaiApiKey` are openai, api, key. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
}

function isSecretName(name: string): boolean {
  const [last = "", previous = ""] = wordsOf(name).reverse();
  if (last === "token") return !TEXT_TOKEN_WORDS.has(previous);
  const singular = last.endsWith("s") ? last.slice(0, -1) : last;
  return SECRET_NAMES.has(singular) || SECRET_NAMES.has(previous + singular);
}

// ---- Values

/** References to a secret that is kept elsewhere, and what stands for one. */
const PLACEHOLDERS = [
  /^\$[A-Z_][A-Z0-9_]*$/,
  /^\$?\{[^}]*\}+$/,
  /^\$\([^)]*\)$/,
  /^%\w+%$/,
  /^<[^>]*>$/,
  /^\[[^\]]*\]$/,
  /^[*•.x_-]+$/i,
  // The name of a variable by itself.
  /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/,
  /^(?:env|op|vault|secrets?|ssm|keychain|keyring|file|ref|sops)(?::|\.[a-z_])/i,
  /^(?:process\.env|import\.meta\.env|os\.environ|os\.getenv|Deno\.env|Bun\.env)\b/,
  /^(?:arn:aws:|projects\/[^/]*\/secrets\/)/,
  /^(?:your|insert|enter|replace|change)(?:[\s_-]|me$)/i,
  // A type, or a way of doing it, in the place of the secret.
  /^(?:string|text|str|null|none|undefined|required|optional|redacted|hidden|include|omit|same-origin)\??$/i,
  /^(?:bearer|basic|digest|oauth2?|api[-_]?key|jwt|token)$/i,
];

function isPlaceholder(value: string): boolean {
  return PLACEHOLDERS.some((pattern) => pattern.test(value));
}

const AUTH_SCHEME = /^(?:bearer|basic|token)\s+/i;

/** Whether a text in a field with the name of a secret can be one. */
function isCredential(text: string, name: string): boolean {
  const value = text.trim();
  const bare = value.replace(AUTH_SCHEME, "");
  if (value === "" || isPlaceholder(value) || isPlaceholder(bare)) return false;
  // Three words are a sentence about the secret; but of words a pass phrase is made.
  return bare.split(/\s+/, 3).length < 3 || wordsOf(name).at(-1) === "passphrase";
}

/** Credentials that are known by their looks. A pattern's group, if it has one, is the part that matters. */
const SHAPES: readonly (readonly [string, RegExp])[] = [
  ["an API key (sk-...)", /(?<![A-Za-z0-9])sk-(?:[a-z0-9]{1,12}-){0,3}[A-Za-z0-9]{20,}/g],
  ["an API key (sk-...)", /(?<![A-Za-z0-9])sk-(?:ant|proj|svcacct|or|lf)-[\w-]{16,}/g],
  ["a Stripe key", /(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g],
  ["an AWS access key", /(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/g],
  ["a GitHub token", /(?<![A-Za-z0-9])(?:gh[opsru]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g],
  ["a GitLab token", /(?<![A-Za-z0-9])glpat-[\w-]{16,}/g],
  ["a Slack token", /(?<![A-Za-z0-9])xox[abeprs]-[A-Za-z0-9-]{10,}/g],
  ["a Google API key", /(?<![A-Za-z0-9])AIza[\w-]{30,}/g],
  ["a Hugging Face token", /(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}/g],
  ["an npm token", /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{20,}/g],
  ["a private key", /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g],
  // Nothing may stand before it that could be part of it: each attempt would read the same long run again.
  ["a JSON web token", /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}/g],
  ["a password in a URL", /:\/\/[^\s/:@?#"'`<>]*:([^\s/@?#"'`<>]+)@/g],
];

/** What sort of credential a text contains, or null. */
function shapeOf(text: string): string | null {
  for (const [what, pattern] of SHAPES) {
    // A run of x is drawn where a secret would be.
    for (const [whole, part = whole] of text.matchAll(pattern))
      if (!isPlaceholder(part) && !/x{8}/i.test(part)) return what;
  }
  return null;
}

/**
 * A session on its way to another service, in the W3C `baggage` header.
 *
 * One member carries all of it: `dethrone=<id>~<project>~<root>`. Intermediaries drop whole members when a header grows
 * too long, and some drop properties, so what belongs together must be one value or it may arrive in part. Within the
 * value `*` and four hexadecimal digits stand for a character that would be read as something else; the value is then
 * percent-encoded, which intermediaries undo and redo.
 *
 * Source: W3C, Propagation format for distributed context: Baggage, section 3 (header format and limits).
 */

/** A session in another service or process, as far as it is known here. */
export interface ParentSession {
  readonly id: string;
  readonly project: string;
  /** id of the session it all began with; the session's own where it began there */
  readonly root: string;
}

const KEY = "dethrone";

/** As for ids and keys everywhere. */
const PART_LENGTH_MAX = 200;

// The most that a platform has to pass on; beyond either it may drop any member, ours or not.
const BYTES_MAX = 8192;
const MEMBERS_MAX = 64;

const SEPARATOR = "~";

// Surrogates match only where they stand alone: those have no UTF-8, so they cannot be percent-encoded.
const ESCAPED = /[~*\uD800-\uDFFF]/gu;
const ESCAPE = /\*([0-9a-f]{4})/g;

/** Printable ASCII without quotes, commas, semicolons and backslashes: what the specification allows in a value. */
const OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/**
 * The value of the `baggage` header that tells another service of this session.
 *
 * The members of other parties stay as they are, to the byte and in their order; our own, with its properties, is
 * replaced. Where ours does not fit, because the header would exceed 8192 bytes or 64 members, or because an id or the
 * project is not 1 to 200 characters long, it is left out: the session is then unknown over there, but nobody else's
 * member is lost and no stale session is passed on. Nothing is thrown.
 *
 * @param session `root` is null where the session itself is the first
 * @param existing value of the header so far, several joined by commas
 * @returns may be empty; then send no header
 *
 * @example
 * toBaggage({ id: "s-1", project: "support", root: null }, "tenant=7"); // "tenant=7,dethrone=s-1~support~s-1"
 */
export function toBaggage(
  session: { readonly id: string; readonly project: string; readonly root: string | null },
  existing?: string | null,
): string {
  const parts = [session.id, session.project, session.root ?? session.id];
  const others = (existing ?? "")
    .split(",")
    .filter((member) => member.trim() !== "" && keyOf(member) !== KEY);
  if (others.length >= MEMBERS_MAX || !parts.every(isPart)) return others.join(",");
  const value = encodeURIComponent(parts.map(escapePart).join(SEPARATOR));
  const merged = [...others, `${KEY}=${value}`].join(",");
  return new TextEncoder().encode(merged).length <= BYTES_MAX ? merged : others.join(",");
}

/**
 * The session another service has told of, or null where the header is absent, of others only, or malformed.
 *
 * Where the member is there more than once, the last one counts: it was added nearest to here. Its properties, and parts
 * after the third, are ignored, so that a later version may add some. Never throws, whatever the header. It is as
 * trustworthy as who sent the request, no more.
 *
 * @param header value of the `baggage` header, or of several of them in their order
 *
 * @example
 * fromBaggage("tenant=7,dethrone=s-1~support~s-1"); // { id: "s-1", project: "support", root: "s-1" }
 * fromBaggage("tenant=7"); // null
 */
export function fromBaggage(header: string | readonly string[] | null | undefined): ParentSession | null {
  const values: readonly unknown[] = Array.isArray(header) ? header : [header];
  const members = values.filter((value) => typeof value === "string").flatMap((value) => value.split(","));
  const member = members.findLast((each) => keyOf(each) === KEY);
  const [id, project, root] = member === undefined ? [] : partsOf(member);
  return isPart(id) && isPart(project) && isPart(root) ? { id, project, root } : null;
}

/** The member without its properties, as `key = value`. */
function pairOf(member: string): string {
  return member.split(";", 1)[0] as string;
}

function keyOf(member: string): string {
  return (pairOf(member).split("=", 1)[0] as string).trim();
}

/** The parts of our member; undefined for one that we cannot have written. */
function partsOf(member: string): (string | undefined)[] {
  const pair = pairOf(member);
  const value = pair.slice(pair.indexOf("=") + 1).trim();
  if (!OCTETS.test(value)) return [];
  try {
    return decodeURIComponent(value).split(SEPARATOR).map(unescapePart);
  } catch {
    // Octets that are no UTF-8. The specification reads them as U+FFFD, which would make it somebody else's id.
    return [];
  }
}

function isPart(part: unknown): part is string {
  return typeof part === "string" && part.length > 0 && part.length <= PART_LENGTH_MAX;
}

function escapePart(part: string): string {
  return part.replace(ESCAPED, (character) => `*${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function unescapePart(escaped: string): string | undefined {
  const part = escaped.replace(ESCAPE, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return escapePart(part) === escaped ? part : undefined;
}

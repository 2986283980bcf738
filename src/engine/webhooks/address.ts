/**
 * Where webhooks may lead: out into the internet, and to this machine and private networks only where that is allowed. A
 * name is judged by all the addresses it leads to, right before one of them is connected to.
 */
import { BlockList, isIP } from "node:net";
import { DethroneError } from "../../core/errors.js";

/** `never`: link-local, metadata services, multicast, and addresses that stand for others. */
export type Reach = "public" | "private" | "never";

const URL_LENGTH_MAX = 2000;

function blockList(subnets: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets)
    list.addSubnet(address, prefix, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

/** Metadata services inside of ranges that are private. */
const METADATA = blockList([
  ["100.100.100.200", 32],
  ["fd00:ec2::254", 128],
]);

const PRIVATE = blockList([
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["::1", 128],
  ["fc00::", 7],
]);

const NEVER = blockList([
  ["0.0.0.0", 8],
  // link-local, where clouds keep the credentials of a machine
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
  // IPv4 addresses inside of IPv6 ones: compatible, translated, 6to4, Teredo
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["2001::", 32],
]);

const MAPPED = /^::ffff:/i;

/** What an address in its usual form reaches. */
export function reachOf(address: string): Reach {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (isIP(address) === 0 || MAPPED.test(address) || METADATA.check(address, family)) return "never";
  if (PRIVATE.check(address, family)) return "private";
  return NEVER.check(address, family) ? "never" : "public";
}

/** Whether an endpoint may be connected to at an address. */
export function mayReach(address: string, allowPrivate: boolean): boolean {
  const reach = reachOf(address);
  return reach === "public" || (reach === "private" && allowPrivate);
}

/** The host of a URL as an address without brackets, or as the name it is. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");

function refuse(url: unknown, why: string): never {
  throw new DethroneError("webhook_url_refused", `A webhook's URL ${why}.`, {
    received: String(url).slice(0, URL_LENGTH_MAX),
  });
}

const LOCAL_NAME = /(^|\.)localhost\.?$/i;

/**
 * A webhook's URL, provided that it may be one. A name that is fine here may lead elsewhere later, so that its addresses
 * are judged anew at each delivery.
 *
 * @throws DethroneError `webhook_url_refused`
 */
export function checkedUrl(text: unknown, allowPrivate: boolean): string {
  if (typeof text !== "string" || text.length > URL_LENGTH_MAX || !URL.canParse(text))
    return refuse(text, `must be one, of at most ${URL_LENGTH_MAX} characters`);
  const url = new URL(text);
  const hint = "; for an endpoint of your own network add it with allowPrivate (--allow-private)";
  if (url.username !== "" || url.password !== "") refuse(url.origin, "must not hold a user or a password");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && allowPrivate))
    refuse(text, `must begin with https://${hint}`);
  const host = hostOf(url);
  if (LOCAL_NAME.test(host) && !allowPrivate) refuse(text, `must not lead to this machine${hint}`);
  if (isIP(host) === 0) return url.href;
  // 2130706433, 0177.1 and 0x7f.1 are 127.0.0.1 too: who means it writes it.
  if (!text.toLowerCase().includes(host)) refuse(text, `must write the address ${host} in its usual form`);
  const reach = reachOf(host);
  if (reach === "private" && !allowPrivate) refuse(text, `must not lead into a private network${hint}`);
  if (reach === "never") refuse(text, "must not lead to a link-local, metadata or multicast address");
  return url.href;
}

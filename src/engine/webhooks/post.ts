/**
 * Sends one message: to an address that was judged, in bounded time, reading a bounded part of the answer, following no
 * redirect.
 */
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock } from "../ports.js";
import { hostOf, mayReach } from "./address.js";

const TIMEOUT_MS = 10_000;
/** Nothing of an answer's body is used; one that goes on is cut off. */
const ANSWER_BYTES_MAX = 65_536;

/** A message to an endpoint. */
export interface Posting {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivate: boolean;
  /** gives it up */
  readonly signal: AbortSignal;
}

/** What became of it. */
export interface Posted {
  readonly isDelivered: boolean;
  /** what was answered; null without an answer */
  readonly status: number | null;
  /** why it was not delivered; null where it was */
  readonly error: string | null;
  /** for how long, in milliseconds, it asks not to be tried again; null where it does not say */
  readonly retryAfterMs: number | null;
}

/** What was answered. */
interface Answered {
  readonly status: number;
  /** the header Retry-After: seconds, or a date */
  readonly retryAfter: string | undefined;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** The addresses of a host, provided that the endpoint may be at every one of them. */
async function addressesOf(host: string, allowPrivate: boolean): Promise<Address[]> {
  const family = isIP(host);
  const all = family === 0 ? await lookup(host, { all: true }) : [{ address: host, family }];
  const refused = all.find(({ address }) => !mayReach(address, allowPrivate));
  if (refused) throw new Error(`${host} leads to ${refused.address}, which is not allowed`);
  return all;
}

/** Connects to what was judged: a name that leads elsewhere a moment later does not matter. */
function leadingTo(addresses: readonly Address[]): LookupFunction {
  const [first] = addresses as [Address];
  return (_host, { all }, done) =>
    all ? done(null, [...addresses]) : done(null, first.address, first.family);
}

/** What was answered, once the answer has ended or was cut off. */
function send(url: URL, addresses: readonly Address[], posting: Posting, signal: AbortSignal) {
  return new Promise<Answered>((resolve, reject) => {
    let answered: Answered | undefined;
    const take = (answer: IncomingMessage): void => {
      answered = { status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] };
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > ANSWER_BYTES_MAX) answer.destroy();
      });
      answer.on("close", () => resolve(answered as Answered));
      answer.on("error", () => resolve(answered as Answered));
    };
    const options = { method: "POST", agent: false, lookup: leadingTo(addresses), signal } as const;
    const { body, headers } = posting;
    const length = String(Buffer.byteLength(body));
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(
      url,
      { ...options, headers: { ...headers, "content-length": length } },
      take,
    );
    request.on("error", (error) => (answered === undefined ? reject(error) : resolve(answered)));
    // What is no answer, such as the offer of another protocol, ends without an error.
    request.on("close", () => answered === undefined && reject(new Error("closed without an answer")));
    request.end(body);
  });
}

function whyFailed(status: number): string {
  if (status >= 300 && status < 400) return `answered ${status}; redirects are not followed`;
  return `answered ${status}`;
}

/** What an endpoint that is busy or away asks for; null where it is neither, or says nothing that can be understood. */
function retryAfterOf({ status, retryAfter = "" }: Answered, nowMs: number): number | null {
  if ((status !== 429 && status !== 503) || retryAfter === "") return null;
  const waitMs = /^\d+$/.test(retryAfter) ? 1000 * Number(retryAfter) : Date.parse(retryAfter) - nowMs;
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : null;
}

/** What cannot be stopped, such as looking up a name, is left to itself. */
function abandonable<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    task.then(resolve, reject);
  });
}

const messageOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  // Where a name has several addresses, the message is empty.
  return message === "" ? code : message;
};

/** Sends a message; never rejects. An answer that has begun counts, though its end may be late. */
export async function post(posting: Posting, clock: Clock): Promise<Posted> {
  const stopper = new AbortController();
  const { signal } = stopper;
  const stop = (): void => stopper.abort(new Error("given up"));
  posting.signal.addEventListener("abort", stop);
  const cancel = clock.after(TIMEOUT_MS, () =>
    stopper.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
  );
  try {
    const url = new URL(posting.url);
    const addresses = await abandonable(addressesOf(hostOf(url), posting.allowPrivate), signal);
    const answered = await send(url, addresses, posting, signal);
    const { status } = answered;
    const isDelivered = status >= 200 && status < 300;
    const error = isDelivered ? null : whyFailed(status);
    return { isDelivered, status, error, retryAfterMs: retryAfterOf(answered, clock.now()) };
  } catch (failure) {
    const error = messageOf(signal.aborted ? signal.reason : failure);
    return { isDelivered: false, status: null, error, retryAfterMs: null };
  } finally {
    cancel();
    posting.signal.removeEventListener("abort", stop);
  }
}

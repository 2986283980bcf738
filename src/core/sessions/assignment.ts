/**
 * From a unit to an arm: a versioned hash, a bucket in [0, 10000), an arm.
 *
 * The challengers own the lowest buckets, so that raising a share only ever moves units from the champion to a
 * challenger. The hash of a version never changes: it would move units under a running experiment.
 */
import { DethroneError, domainError } from "../errors.js";

/** Number of buckets; shares are multiples of its inverse. */
export const BUCKET_COUNT = 10_000;

/** Version of the assignment hash. 2 is the default; 1 exists for fixtures of earlier systems. */
export type HashVersion = 1 | 2;

/** The hash version new experiments get. */
export const HASH_VERSION: HashVersion = 2;

/** Smallest share an experiment may give its challenger, other than 0. */
export const SHARE_MIN = 0.01;
/** Largest share an experiment may give its challenger. */
export const SHARE_MAX = 0.99;

// 64-bit words as two unsigned 32-bit halves: BigInt is an order of magnitude slower on this path.
interface Word {
  high: number;
  low: number;
}

/** word = word * (high, low) modulo 2^64, by 16-bit limbs of the low halves. */
function multiply(word: Word, high: number, low: number): void {
  const a0 = word.low & 0xffff;
  const a1 = word.low >>> 16;
  const b0 = low & 0xffff;
  const b1 = low >>> 16;
  const low0 = a0 * b0;
  const middle = a1 * b0 + (low0 >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  // `middle` and `cross` stay below 2^33, so their upper parts are taken by division, not by a 32-bit shift.
  const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
  const newHigh = (carry + Math.imul(word.high, low) + Math.imul(word.low, high)) >>> 0;
  word.low = (((cross & 0xffff) << 16) | (low0 & 0xffff)) >>> 0;
  word.high = newHigh;
}

const FNV_PRIME_HIGH = 0x100;
const FNV_PRIME_LOW = 0x1b3;

function addByte(word: Word, byte: number): void {
  word.low = (word.low ^ byte) >>> 0;
  multiply(word, FNV_PRIME_HIGH, FNV_PRIME_LOW);
}

/** Adds the UTF-8 bytes of one code point: a lead byte, then six bits a byte. */
function addCodePoint(word: Word, point: number): void {
  if (point < 0x80) {
    addByte(word, point);
    return;
  }
  const tailBytes = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  addByte(word, ((0xff00 >> (tailBytes + 1)) & 0xff) | (point >> (6 * tailBytes)));
  for (let shift = 6 * (tailBytes - 1); shift >= 0; shift -= 6)
    addByte(word, 0x80 | ((point >> shift) & 0x3f));
}

/** 64-bit FNV-1a over the UTF-8 bytes of `text`; lone surrogates count as U+FFFD, as in TextEncoder. */
function fnv1a64(text: string): Word {
  const word: Word = { high: 0xcbf29ce4, low: 0x84222325 };
  for (const character of text) addCodePoint(word, codePointOf(character));
  return word;
}

function codePointOf(character: string): number {
  const point = character.codePointAt(0) as number;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}

/** The 64-bit finaliser of MurmurHash3 (Appleby): spreads every input bit over the whole word. */
function finalise(word: Word): void {
  word.low = (word.low ^ (word.high >>> 1)) >>> 0;
  multiply(word, 0xff51afd7, 0xed558ccd);
  word.low = (word.low ^ (word.high >>> 1)) >>> 0;
  multiply(word, 0xc4ceb9fe, 0x1a85ec53);
  word.low = (word.low ^ (word.high >>> 1)) >>> 0;
}

// 2^32 modulo 10000
const HIGH_WEIGHT = 7296;

/**
 * Bucket of a unit in an experiment, an integer in [0, 10000).
 *
 * Version 1 is 64-bit FNV-1a over the UTF-8 bytes of "<experiment>:<unit>" modulo 10,000. Version 2 adds MurmurHash3's
 * 64-bit finaliser, because version 1 measurably correlates the arms of different experiments.
 *
 * Source: Fowler, Noll, Vo, FNV-1a; Appleby, MurmurHash3 (fmix64). Frozen by the fixtures of the tests.
 *
 * @example
 * bucketOf({ version: 1, experiment: "checkout_v2", unit: "user:1" }); // 4830
 * bucketOf({ version: 2, experiment: "checkout_v2", unit: "user:1" }); // 1638
 */
export function bucketOf(input: {
  readonly version: HashVersion;
  readonly experiment: string;
  readonly unit: string;
}): number {
  const word = fnv1a64(`${input.experiment}:${input.unit}`);
  if (input.version === 2) finalise(word);
  return ((word.high % BUCKET_COUNT) * HIGH_WEIGHT + (word.low % BUCKET_COUNT)) % BUCKET_COUNT;
}

/** An arm's claim on the buckets. */
export interface ArmShare {
  readonly role: "champion" | "challenger";
  readonly bucketCount: number;
}

/**
 * The arm that owns a bucket: the challengers in order from bucket 0 upward, the champion the rest.
 *
 * @throws DethroneError `invariant_violated` if no champion is among the arms
 */
export function armOf<A extends ArmShare>(bucket: number, arms: readonly A[]): A {
  let end = 0;
  for (const arm of arms) {
    if (arm.role === "champion") continue;
    end += arm.bucketCount;
    if (bucket < end) return arm;
  }
  const champion = arms.find((arm) => arm.role === "champion");
  if (!champion) throw new DethroneError("invariant_violated", "An experiment without a champion arm.");
  return champion;
}

/**
 * The bucket count of a share; the share truly used is this over 10,000.
 *
 * @param share in [0.01, 0.99], or 0
 * @throws DethroneError `share_out_of_range`
 * @example
 * bucketCountOf(0.2); // 2000
 */
export function bucketCountOf(share: number): number {
  const isAllowed = share === 0 || (share >= SHARE_MIN && share <= SHARE_MAX);
  if (!isAllowed) {
    throw new DethroneError(
      "share_out_of_range",
      `A share must lie in [${SHARE_MIN}, ${SHARE_MAX}] or be 0; received ${String(share)}.`,
      { received: Number.isFinite(share) ? share : String(share), allowed: "[0.01, 0.99] or 0" },
    );
  }
  return Math.round(share * BUCKET_COUNT);
}

/** The share of a bucket count, in [0, 1]. */
export function shareOf(bucketCount: number): number {
  if (!Number.isInteger(bucketCount) || bucketCount < 0 || bucketCount > BUCKET_COUNT) {
    domainError("bucketCount", bucketCount, "an integer in [0, 10000]");
  }
  return bucketCount / BUCKET_COUNT;
}

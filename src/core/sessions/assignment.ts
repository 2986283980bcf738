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

// 64-bit words as two signed 32-bit halves: BigInt is an order of magnitude slower on this path, and so are halves
// beyond the range of small integers.
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
  // A product of two limbs plus a limb stays below 2^32.
  const low0 = a0 * b0;
  const middle = a1 * b0 + (low0 >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  const carry = a1 * b1 + (middle >>> 16) + (cross >>> 16);
  word.high = (carry + Math.imul(word.high, low) + Math.imul(word.low, high)) | 0;
  word.low = (cross << 16) | (low0 & 0xffff);
}

// The prime of 64-bit FNV is 2^40 + this.
const FNV_PRIME_LOW = 0x1b3;

/** Adds characters up to the first that is not ASCII, which is its place; the length of the text where all are. */
function addAscii(word: Word, text: string): number {
  let { high, low } = word;
  let place = 0;
  for (; place < text.length; place += 1) {
    const byte = text.charCodeAt(place);
    if (byte >= 0x80) break;
    // The product with the prime, whose limbs are so small that a signed half holds all there is on the way.
    low ^= byte;
    const first = (low & 0xffff) * FNV_PRIME_LOW;
    const second = (low >>> 16) * FNV_PRIME_LOW + (first >>> 16);
    high = (Math.imul(high, FNV_PRIME_LOW) + (low << 8) + (second >>> 16)) | 0;
    low = (second << 16) | (first & 0xffff);
  }
  word.high = high;
  word.low = low;
  return place;
}

function addByte(word: Word, byte: number): void {
  word.low ^= byte;
  multiply(word, 0x100, FNV_PRIME_LOW);
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

/** Adds the UTF-8 bytes of a text by 64-bit FNV-1a; lone surrogates count as U+FFFD, as in TextEncoder. */
function addText(word: Word, text: string): void {
  const place = addAscii(word, text);
  if (place === text.length) return;
  for (const character of text.slice(place)) addCodePoint(word, codePointOf(character));
}

function codePointOf(character: string): number {
  const point = character.codePointAt(0) as number;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}

/** The 64-bit finaliser of MurmurHash3 (Appleby): spreads every input bit over the whole word. */
function finalise(word: Word): void {
  word.low ^= word.high >>> 1;
  multiply(word, 0xff51afd7, 0xed558ccd);
  word.low ^= word.high >>> 1;
  multiply(word, 0xc4ceb9fe, 0x1a85ec53);
  word.low ^= word.high >>> 1;
}

// 2^32 modulo 10000
const HIGH_WEIGHT = 7296;

/** What the hash of an experiment's units starts from, so that the experiment is hashed once and not for each unit. */
export interface Salt {
  readonly version: HashVersion;
  readonly high: number;
  readonly low: number;
}

/** The salt of an experiment, or of whatever else divides units into buckets. */
export function saltOf(version: HashVersion, experiment: string): Salt {
  const word: Word = { high: 0xcbf29ce4 | 0, low: 0x84222325 | 0 };
  addText(word, `${experiment}:`);
  return { version, ...word };
}

/** As {@link bucketOf}, by the salt of the experiment. */
export function saltedBucketOf(salt: Salt, unit: string): number {
  const word: Word = { high: salt.high, low: salt.low };
  addText(word, unit);
  if (salt.version === 2) finalise(word);
  const high = word.high >>> 0;
  const low = word.low >>> 0;
  return ((high % BUCKET_COUNT) * HIGH_WEIGHT + (low % BUCKET_COUNT)) % BUCKET_COUNT;
}

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
  return saltedBucketOf(saltOf(input.version, input.experiment), input.unit);
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

/**
 * Seeded pseudo-random numbers: xoshiro128** (Blackman and Vigna 2018), its state filled by splitmix32.
 *
 * For shuffles, simulated agents and reproducible ids; never for secrets.
 */
import { domainError } from "./errors.js";

/** A seeded stream of random numbers. */
export interface Random {
  /** Next integer, uniform in [0, 2^32). */
  uint32(): number;
  /** Next number, uniform in [0, 1), a multiple of 2^-53. */
  next(): number;
}

function splitmix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/**
 * A stream that depends on `seed` alone.
 *
 * @param seed integer in [0, 2^53)
 * @throws DethroneError `numeric_domain` for any other seed
 * @example
 * createRandom(1).uint32(); // 4266978352
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) domainError("seed", seed, "an integer in [0, 2^53)");
  const low = splitmix32(seed);
  const high = splitmix32(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995);
  let a = low();
  let b = low() ^ high();
  let c = low();
  let d = high();
  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result;
  };
  // 27 high bits and 26 high bits make the 53 bits of a double.
  const next = (): number => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53;
  return { uint32, next };
}

/** A shuffled copy (Fisher and Yates), by the given stream. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random.next() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

// The least that an assignment can cost: look an experiment up, hash the unit on from the experiment's own hash (64-bit
// FNV-1a, then the finaliser of MurmurHash3), and compare the bucket with the ends of three arms. ASCII alone, nothing
// checked, nothing told, everything in local variables.
const PRIME = 0x1b3;

function seedOf(experiment) {
  let high = 0xcbf29ce4 | 0;
  let low = 0x84222325 | 0;
  for (const character of `${experiment}:`) {
    low ^= character.charCodeAt(0);
    const first = (low & 0xffff) * PRIME;
    const second = (low >>> 16) * PRIME + (first >>> 16);
    high = (Math.imul(high, PRIME) + (low << 8) + (second >>> 16)) | 0;
    low = (second << 16) | (first & 0xffff);
  }
  return { high, low };
}

/** The upper half of the product of two unsigned halves. */
function upper(a, b) {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  return a1 * b1 + (middle >>> 16) + (cross >>> 16);
}

function placeOf(seed, unit) {
  let high = seed.high;
  let low = seed.low;
  for (let i = 0; i < unit.length; i += 1) {
    low ^= unit.charCodeAt(i);
    const first = (low & 0xffff) * PRIME;
    const second = (low >>> 16) * PRIME + (first >>> 16);
    high = (Math.imul(high, PRIME) + (low << 8) + (second >>> 16)) | 0;
    low = (second << 16) | (first & 0xffff);
  }
  low ^= high >>> 1;
  high = (upper(low, 0xed558ccd) + Math.imul(high, 0xed558ccd) + Math.imul(low, 0xff51afd7)) | 0;
  low = Math.imul(low, 0xed558ccd) ^ (high >>> 1);
  high = (upper(low, 0x1a85ec53) + Math.imul(high, 0x1a85ec53) + Math.imul(low, 0xc4ceb9fe)) | 0;
  low = Math.imul(low, 0x1a85ec53) ^ (high >>> 1);
  return (((high >>> 0) % 10_000) * 7296 + ((low >>> 0) % 10_000)) % 10_000;
}

/** An assignment function of project and unit to the place of an arm, for the experiments of these snapshots. */
export function bareLoop(states) {
  const byKey = new Map(
    states.map(({ key, experiment: { uid, arms } }) => {
      const first = arms[1].bucketCount;
      return [key, { ...seedOf(uid), first, second: first + arms[2].bucketCount }];
    }),
  );
  return (key, unit) => {
    const experiment = byKey.get(key);
    const place = placeOf(experiment, unit);
    if (place < experiment.first) return 1;
    return place < experiment.second ? 2 : 0;
  };
}

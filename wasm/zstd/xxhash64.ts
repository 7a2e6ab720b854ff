/**
 * XXH64 with seed 0, the checksum of zstd frames (xxhash_spec.md, "XXH64 algorithm description").
 */

const P1: u64 = (0x9e3779b1 << 32) | 0x85ebca87;
const P2: u64 = (0xc2b2ae3d << 32) | 0x27d4eb4f;
const P3: u64 = (0x165667b1 << 32) | 0x9e3779f9;
const P4: u64 = (0x85ebca77 << 32) | 0xc2b2ae63;
const P5: u64 = (0x27d4eb2f << 32) | 0x165667c5;

export function xxhash64(start: usize, size: usize): u64 {
  let at = start;
  const end = start + size;
  let hash = P5;
  if (size >= 32) {
    let lane1: u64 = P1 + P2;
    let lane2: u64 = P2;
    let lane3: u64 = 0;
    let lane4: u64 = 0 - P1;
    for (; end - at >= 32; at += 32) {
      lane1 = round(lane1, load<u64>(at));
      lane2 = round(lane2, load<u64>(at, 8));
      lane3 = round(lane3, load<u64>(at, 16));
      lane4 = round(lane4, load<u64>(at, 24));
    }
    hash = rotl(lane1, 1) + rotl(lane2, 7) + rotl(lane3, 12) + rotl(lane4, 18);
    hash = merged(merged(merged(merged(hash, lane1), lane2), lane3), lane4);
  }
  hash += size;
  for (; end - at >= 8; at += 8) hash = rotl(hash ^ round(0, load<u64>(at)), 27) * P1 + P4;
  if (end - at >= 4) {
    hash = rotl(hash ^ ((load<u32>(at) as u64) * P1), 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl(hash ^ ((load<u8>(at) as u64) * P5), 11) * P1;
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

function round(lane: u64, word: u64): u64 {
  return rotl(lane + word * P2, 31) * P1;
}

function merged(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * P1 + P4;
}

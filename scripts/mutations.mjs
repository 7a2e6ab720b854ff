// Damages files the way that disks, transfers and attackers do. Used by scripts/fuzz.mjs and by the tests.

/** A pseudo-random source (mulberry32): the same seed gives the same damage. */
export function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

const SIGNATURES = [
  "OHDR",
  "OCHK",
  "FRHP",
  "FHIB",
  "BTHD",
  "BTIN",
  "BTLF",
  "EAHD",
  "EAIB",
  "EASB",
  "EADB",
  "FAHD",
  "FADB",
  "SMTB",
  "MDCI",
].map((text) => [...text].map((letter) => letter.charCodeAt(0)));

/**
 * The blocks of an HDF5 file that have a checksum: damage inside of them is followed by a new checksum, or it would never be
 * seen by anything but the checksum's test.
 *
 * @param checksum HDF5's lookup3
 * @param longest bytes; longer blocks are not found
 * @returns the checksum stands at `at`, mostly the end; where it does not, it was computed with zeros in its place
 */
export function checkedBlocks(bytes, checksum, longest) {
  const blocks = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const holds = (start, end) => checksum(bytes.subarray(start, end)) === view.getUint32(end, true);
  for (let start = 0; start + 12 <= bytes.length; start++) {
    if (bytes[start] < 66 || bytes[start] > 83) continue;
    if (isHeapBlock(bytes, start)) {
      const block = heapBlock(bytes, checksum, start);
      if (block) blocks.push(block);
    } else if (SIGNATURES.some((signature) => signature.every((byte, i) => bytes[start + i] === byte))) {
      let at = start + 8;
      const last = Math.min(start + longest, bytes.length - 4);
      while (at <= last && !holds(start, at)) at++;
      if (at <= last) blocks.push({ start, end: at + 4, at });
    }
  }
  // Superblocks of versions 2 and 3 with addresses of 8 bytes.
  for (const start of [0, 512, 1024, 2048]) {
    if (start + 48 > bytes.length || bytes[start] !== 0x89 || bytes[start + 8] < 2) continue;
    if (holds(start, start + 44)) blocks.push({ start, end: start + 48, at: start + 44 });
  }
  return blocks.sort((a, b) => a.end - a.start - (b.end - b.start));
}

function isHeapBlock(bytes, start) {
  return bytes[start] === 70 && bytes[start + 1] === 72 && bytes[start + 2] === 68 && bytes[start + 3] === 66;
}

/** A direct block of a fractal heap: its length and the width of its offset are known to the heap only. */
function heapBlock(bytes, checksum, start) {
  for (const at of [start + 17, start + 18]) {
    for (let length = 512; length <= 65536 && start + length <= bytes.length; length *= 2) {
      const copy = bytes.slice(start, start + length);
      const stored = new DataView(copy.buffer).getUint32(at - start, true);
      copy.fill(0, at - start, at - start + 4);
      if (checksum(copy) === stored) return { start, end: start + length, at };
    }
  }
  return undefined;
}

const INTERESTING = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  31,
  32,
  63,
  64,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** A damaged copy of a file. */
export function mutate(bytes, blocks, checksum, random) {
  let copy = bytes.slice();
  const times = 1 + random.below(random.below(4) === 0 ? 6 : 2);
  for (let time = 0; time < times; time++) {
    const block = blocks.length > 0 && random.below(3) > 0 ? random.pick(blocks) : undefined;
    const [from, to] = block ? [block.start + 4, block.end] : [0, copy.length];
    if (to > copy.length) continue;
    copy = damage(copy, from + random.below(Math.max(to - from, 1)), to, block === undefined, random);
    if (block && random.below(20) > 0) repair(copy, block, blocks, checksum);
  }
  return copy;
}

/** Computes the checksum of a block anew, and of those around it: from the smallest to the largest. */
function repair(bytes, inner, blocks, checksum) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { start, end, at } of blocks) {
    if (start > inner.start || end < inner.end || end > bytes.length) continue;
    const atEnd = at + 4 === end;
    if (!atEnd) view.setUint32(at, 0);
    view.setUint32(at, checksum(bytes.subarray(start, atEnd ? at : end)), true);
  }
}

function damage(copy, at, end, whole, random) {
  const room = Math.max(end - at, 0);
  switch (random.below(whole ? 9 : 7)) {
    case 0:
      copy[at] ^= 1 << random.below(8);
      break;
    case 1:
      copy[at] = random.below(256);
      break;
    case 2:
    case 3: {
      // A number of 1 to 8 bytes: a limit, or near what was there.
      const width = Math.min(random.pick([1, 2, 2, 4, 4, 8]), room);
      let value = random.pick([...INTERESTING, copy.length, copy.length - 1]);
      if (random.below(2) === 0) {
        let old = 0;
        for (let i = Math.min(width, 6) - 1; i >= 0; i--) old = old * 256 + copy[at + i];
        value = Math.max(old + random.pick([-8, -1, 1, 8, old]), 0);
      }
      for (let i = 0; i < width; i++, value = Math.floor(value / 256)) copy[at + i] = value % 256;
      break;
    }
    case 4:
      copy.fill(random.pick([0, 255, random.below(256)]), at, at + Math.min(1 + random.below(16), room));
      break;
    case 5: {
      // Bytes from elsewhere: pointers that are right in another place.
      const length = Math.min(random.pick([2, 4, 8, 8, 8, 16, 64]), room);
      const source = random.below(Math.max(copy.length - length, 1));
      copy.copyWithin(at, source - (source % 8), source - (source % 8) + length);
      break;
    }
    case 6: {
      // An address: of any signature in the file, or of the place itself (a cycle).
      if (room < 8) break;
      const address = random.below(3) === 0 ? at : random.below(copy.length);
      new DataView(copy.buffer, copy.byteOffset).setBigUint64(at, BigInt(address), true);
      break;
    }
    case 7:
      return copy.slice(0, at);
    case 8: {
      const length = random.below(64);
      const longer = new Uint8Array(copy.length + length);
      longer.set(copy.subarray(0, at));
      longer.set(copy.subarray(at), at + length);
      return longer;
    }
  }
  return copy;
}

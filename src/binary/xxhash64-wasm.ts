/**
 * The inner loop of XXH64 as WebAssembly, which has the 64-bit multiplication that JavaScript lacks. The module is
 * small enough to be written out here, instruction by instruction (WebAssembly core specification 1.0, section 5).
 *
 * @module
 */

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;

/** Where the words to be hashed lie in the module's memory, behind the four lanes. */
const DATA = 64;
const PAGE_BYTES = 65536;
/** Bytes that go into the memory at a time, whole stripes. */
const PART_BYTES = PAGE_BYTES;
const LANES = 4;
const STRIPE_BYTES = 32;

/** Hashes whole stripes of 32 bytes into the lanes, low and high half of each. */
type LaneRunner = (bytes: Uint8Array, length: number, lanes: Int32Array) => void;

let runner: LaneRunner | undefined;
let refused = false;

/** The loop; undefined where WebAssembly must not be compiled. */
export function wasmLanes(): LaneRunner | undefined {
  if (runner !== undefined || refused) return runner;
  try {
    runner = instantiate();
  } catch {
    // A page's security policy may forbid it.
    refused = true;
  }
  return runner;
}

function instantiate(): LaneRunner {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()));
  const { m: memory, f: run } = exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof run !== "function") throw new TypeError("no module");
  const state = new Int32Array(memory.buffer, 0, 2 * LANES);
  const data = new Uint8Array(memory.buffer, DATA, PART_BYTES);
  return (bytes, length, lanes) => {
    state.set(lanes);
    for (let at = 0; at < length; at += PART_BYTES) {
      const part = bytes.subarray(at, Math.min(at + PART_BYTES, length));
      data.set(part);
      run(DATA, DATA + part.length);
    }
    lanes.set(state);
  };
}

/** Numbers in LEB128, signed. */
function leb(value: bigint | number): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** A vector of bytes with its length in front; all are shorter than 2^13. */
function sized(...bytes: number[]): number[] {
  return [(bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes];
}

const [I32, I64] = [0x7f, 0x7e];
const [POINTER, END] = [0, 1];
const laneLocal = (lane: number): number => 2 + lane;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const load64 = (offset: number): number[] => [0x29, 3, offset];
const store64 = (offset: number): number[] => [0x37, 3, offset];
const constant32 = (value: number): number[] => [0x41, ...leb(value)];
const constant64 = (value: bigint): number[] => [0x42, ...leb(BigInt.asIntN(64, value))];
const [ADD32, LESS32, ADD64, MULTIPLY64, ROTATE64] = [0x6a, 0x49, 0x7c, 0x7e, 0x89];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const lanes = [0, 1, 2, 3];
  /** lane = rotate(lane + word × P2, 31) × P1 */
  const round = (lane: number): number[] => [
    ...get(laneLocal(lane)),
    ...[...get(POINTER), ...load64(8 * lane), ...constant64(PRIME_2), MULTIPLY64],
    ADD64,
    ...[...constant64(31n), ROTATE64],
    ...[...constant64(PRIME_1), MULTIPLY64],
    ...set(laneLocal(lane)),
  ];
  const code = [
    ...lanes.flatMap((lane) => [...constant32(0), ...load64(8 * lane), ...set(laneLocal(lane))]),
    ...[0x03, 0x40],
    ...lanes.flatMap(round),
    ...[...get(POINTER), ...constant32(STRIPE_BYTES), ADD32, 0x22, POINTER],
    ...[...get(END), LESS32, 0x0d, 0],
    0x0b,
    ...lanes.flatMap((lane) => [...constant32(0), ...get(laneLocal(lane)), ...store64(8 * lane)]),
    0x0b,
  ];
  const body = sized(1, LANES, I64, ...code);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized(1, 0x60, 2, I32, I32, 0)],
    ...[3, ...sized(1, 0)],
    ...[5, ...sized(1, 0, 2)],
    ...[7, ...sized(2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0)],
    ...[10, ...sized(1, ...body)],
  ]);
}

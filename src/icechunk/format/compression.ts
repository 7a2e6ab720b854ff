/**
 * The zstd frames in which payloads and compressed locations lie.
 *
 * @module
 */

import {
  compress as compressFrame,
  createDCtx,
  decompress as decompressFrame,
  decompressUsingDict,
} from "@bokuweb/zstd-wasm";
import { loadZstd } from "../../codecs/wasm-zstd.ts";
import { MoraineError } from "../../errors.ts";

/** A frame holds at most so many bytes of a payload, so that little is held twice while it is packed. */
const FRAME_BYTES = 4 * 1024 * 1024;
const BLOCK_BYTES = 131072;
const MAGIC = 0xfd2fb528;
const MAX_PAYLOAD_BYTES = 2147483647;

/** Loads the module once for everybody: a second initialisation would pull its memory away from under the first. */
async function load(): Promise<void> {
  await loadZstd();
}

/** Packs bytes into frames that follow one another. */
export async function compress(bytes: Uint8Array, level: number): Promise<Uint8Array[]> {
  await load();
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += FRAME_BYTES) {
    frames.push(compressFrame(bytes.subarray(at, at + FRAME_BYTES), level));
  }
  return frames;
}

/**
 * Unpacks frames that follow one another.
 *
 * Errors: `CorruptFile`; `LimitExceeded` before anything is allocated, where the frames could grow beyond 64 MiB
 * and 512 times their size.
 */
export async function decompress(bytes: Uint8Array, source: string): Promise<Uint8Array> {
  await load();
  const frames = splitFrames(bytes, source);
  const bound = frames.reduce((total, frame) => total + frame.bound, 0);
  const limit = Math.min(MAX_PAYLOAD_BYTES, 64 * 1024 * 1024 + 512 * bytes.length);
  if (bound > limit + frames.length * BLOCK_BYTES) {
    throw new MoraineError("LimitExceeded", `${bytes.length} bytes could unpack to ${bound}`, { source });
  }
  const parts = frames.map(({ start, end, bound: size }) =>
    unpack(source, () => decompressFrame(bytes.subarray(start, end), { defaultHeapSize: size })),
  );
  if (parts.length === 1 && parts[0]) return parts[0];
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Unpacks locations, each a frame of its own that refers to one dictionary. */
export async function locationDecoder(
  dictionary: Uint8Array,
  source: string,
): Promise<(frame: Uint8Array) => Uint8Array> {
  await load();
  const context = createDCtx();
  return (frame) => {
    const [only, more] = splitFrames(frame, source);
    if (!only || more || only.bound > MAX_LOCATION_BYTES) throw corrupt("a compressed location", source);
    return unpack(source, () =>
      decompressUsingDict(context, frame, dictionary, { defaultHeapSize: only.bound }),
    );
  };
}

/** Longest location in bytes; official writers keep to 1,024 where they compress. */
const MAX_LOCATION_BYTES = BLOCK_BYTES;

function unpack(source: string, work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (cause) {
    throw corrupt(cause instanceof Error ? cause.message : String(cause), source);
  }
}

function corrupt(message: string, source: string): MoraineError {
  return new MoraineError("CorruptFile", `zstd: ${message}`, { source });
}

/** A frame's place and the most bytes it can unpack to. */
interface Frame {
  readonly start: number;
  readonly end: number;
  readonly bound: number;
}

/** Walks the headers of frames and blocks (RFC 8878, 3.1.1). */
function splitFrames(bytes: Uint8Array, source: string): Frame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Frame[] = [];
  let at = 0;
  const need = (count: number): void => {
    if (at + count > bytes.length)
      throw new MoraineError("TruncatedFile", "zstd: the frame has no end", { source });
  };
  while (at < bytes.length) {
    const start = at;
    need(5);
    if (view.getUint32(at, true) !== MAGIC) throw corrupt("no frame", source);
    const descriptor = view.getUint8(at + 4);
    const single = (descriptor & 32) !== 0;
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    at += 5 + (single ? 0 : 1) + dictionaryBytes;
    need(sizeBytes);
    const declared = contentSize(view, at, sizeBytes);
    at += sizeBytes;
    let bound = 0;
    for (let last = false; !last; ) {
      need(3);
      const header = view.getUint8(at) | (view.getUint16(at + 1, true) << 8);
      last = (header & 1) !== 0;
      const type = (header >> 1) & 3;
      const size = header >> 3;
      if (type === 3 || size > BLOCK_BYTES) throw corrupt("a block of no known type or size", source);
      at += 3;
      need(type === 1 ? 1 : size);
      at += type === 1 ? 1 : size;
      bound += type === 2 ? BLOCK_BYTES : size;
    }
    if (descriptor & 4) {
      need(4);
      at += 4;
    }
    // The size that a frame declares is what the decoder allocates.
    if (declared !== undefined && declared > bound)
      throw corrupt("a frame declares more than its blocks hold", source);
    frames.push({ start, end: at, bound: declared ?? bound });
  }
  return frames;
}

function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  switch (bytes) {
    case 0:
      return undefined;
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

/**
 * The headers of zstd frames (RFC 8878, section 3.1.1): how large the content can be, before anything is
 * allocated for it.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

const MAGIC = 0xfd2fb528;
/** Skippable frames: 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE = 0x184d2a50;
const BLOCK_BYTES = 131072;

/** A frame's place and what it can hold. */
export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** Bytes of the content at the most. */
  readonly bound: number;
  /** Bytes of the content as the header says, where it says. */
  readonly declared: number | undefined;
}

/**
 * Walks the headers of frames and blocks. Errors: `CorruptChunk` for bytes that are no whole frames, or that
 * declare more than their blocks can hold.
 */
export function splitFrames(bytes: Uint8Array): ZstdFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: ZstdFrame[] = [];
  let at = 0;
  const need = (count: number): void => {
    if (at + count > bytes.length) throw corrupt("the frame has no end");
  };
  while (at < bytes.length) {
    const start = at;
    need(5);
    const magic = view.getUint32(at, true);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      need(8);
      const size = view.getUint32(at + 4, true);
      at += 8;
      need(size);
      at += size;
      continue;
    }
    if (magic !== MAGIC) throw corrupt("no frame begins where one should");
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
      if (type === 3) throw corrupt("a block of no known type");
      at += 3;
      need(type === 1 ? 1 : size);
      at += type === 1 ? 1 : size;
      bound += type === 2 ? BLOCK_BYTES : size;
    }
    if (descriptor & 4) {
      need(4);
      at += 4;
    }
    if (declared !== undefined && declared > bound)
      throw corrupt("a frame declares more than its blocks hold");
    frames.push({ start, end: at, bound: declared ?? bound, declared });
  }
  return frames;
}

/** What all frames together can hold, and what they declare if all of them do. */
export function boundOfFrames(bytes: Uint8Array): {
  readonly bound: number;
  readonly declared: number | undefined;
} {
  let bound = 0;
  let declared: number | undefined = 0;
  for (const frame of splitFrames(bytes)) {
    bound += frame.bound;
    declared = declared === undefined || frame.declared === undefined ? undefined : declared + frame.declared;
  }
  return { bound, declared };
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

function corrupt(message: string): MoraineError {
  return new MoraineError("CorruptChunk", `zstd: ${message}`);
}

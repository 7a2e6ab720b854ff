/**
 * The headers of zstd frames (RFC 8878, section 3.1.1): how large the content can be, before anything is
 * allocated for it.
 *
 * @module
 */

import { concatenateBytes } from "../binary/byte-sequences.ts";
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

/** Decodes one frame of at most `size` bytes. */
type FrameDecoder<Result> = (frame: Uint8Array, size: number) => Result;

/**
 * Decodes all frames, one after another. Errors: `CorruptChunk` where they hold more than `maximum` bytes, those of
 * the decoder.
 */
export function decodeFrames(
  bytes: Uint8Array,
  maximum: number,
  decode: FrameDecoder<Uint8Array>,
): Uint8Array {
  return joined(
    checkedFrames(bytes, maximum).map(({ start, end, size }) => decode(bytes.subarray(start, end), size)),
    maximum,
  );
}

/** The same with a decoder that answers later. */
export async function decodeFramesAsync(
  bytes: Uint8Array,
  maximum: number,
  decode: FrameDecoder<Promise<Uint8Array>>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { start, end, size } of checkedFrames(bytes, maximum)) {
    parts.push(await decode(bytes.subarray(start, end), size));
  }
  return joined(parts, maximum);
}

/** Frames with the bytes that each may have. Errors: `CorruptChunk` where one declares more than `maximum` bytes. */
export function checkedFrames(
  bytes: Uint8Array,
  maximum: number,
): { readonly start: number; readonly end: number; readonly size: number }[] {
  return splitFrames(bytes).map(({ start, end, bound, declared }) => {
    if (declared !== undefined && declared > maximum) {
      throw corrupt(`${declared} bytes are compressed here, not ${maximum}`);
    }
    return { start, end, size: Math.max(Math.min(bound, maximum), 1) };
  });
}

function joined(parts: readonly Uint8Array[], maximum: number): Uint8Array {
  const size = parts.reduce((total, part) => total + part.length, 0);
  if (parts.length > 1 && size > maximum) throw corrupt(`more than ${maximum} bytes are compressed here`);
  return concatenateBytes(parts);
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

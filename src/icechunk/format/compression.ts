/**
 * The zstd frames in which payloads and compressed locations lie.
 *
 * Frames are written with the checksum of their content, so that a damaged file is an error and never another value.
 *
 * @module
 */

import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { native } from "../../codecs/native.ts";
import { loadZstd } from "../../codecs/wasm-zstd.ts";
import { splitFrames, type ZstdFrame } from "../../codecs/zstd-frames.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";

/** A frame holds at most so many bytes of a payload, so that little is held twice while it is packed. */
export const FRAME_BYTES: number = 4 * 1024 * 1024;
const BLOCK_BYTES = 131072;
const MAX_PAYLOAD_BYTES = 2147483647;
/** Longest location in bytes; official writers keep to 1,024 where they compress. */
const MAX_LOCATION_BYTES = BLOCK_BYTES;

/** Packs bytes into frames that follow one another. */
export async function compress(bytes: Uint8Array, level: number): Promise<Uint8Array[]> {
  await native.zstd.ready();
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += FRAME_BYTES) {
    frames.push(native.zstd.compress(bytes.subarray(at, at + FRAME_BYTES), level, true));
  }
  return frames;
}

/** Window of a frame without content size: 4 MiB, as much as a frame holds (RFC 8878, section 3.1.1.1.2). */
const WINDOW_DESCRIPTOR = (22 - 10) << 3;

/**
 * A frame that does not say how much it holds. Official readers (2.3) take what the first frame says for the size of
 * all, and unpack as a stream where it says nothing.
 */
export function withoutContentSize(frame: Uint8Array): Uint8Array {
  const descriptor = frame[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const rest = frame.subarray(5 + (isSingle ? 0 : 1) + sizeBytes);
  return concatenateBytes([frame.subarray(0, 4), Uint8Array.of(descriptor & 0x1f, WINDOW_DESCRIPTOR), rest]);
}

/**
 * Unpacks frames that follow one another.
 *
 * Errors: `CorruptFile`, `ChecksumMismatch`; `LimitExceeded` before anything is allocated, where the frames could grow
 * beyond 64 MiB and 512 times their size.
 */
export async function decompress(bytes: Uint8Array, source: string): Promise<Uint8Array> {
  return concatenateBytes((await decompressFrames(bytes, source)).map(({ content }) => content));
}

/** A frame and what is in it. */
export interface DecompressedFrame {
  readonly packed: Uint8Array;
  readonly content: Uint8Array;
}

/** The same frame by frame. */
export async function decompressFrames(bytes: Uint8Array, source: string): Promise<DecompressedFrame[]> {
  return (await boundedFrames(bytes, source)).map((frame) => unpackFrame(bytes, frame, source));
}

/** The first frame, and all of them when they are asked for; as {@link decompress}. */
export async function decompressFirst(
  bytes: Uint8Array,
  source: string,
): Promise<{ readonly first: Uint8Array; readonly all: (() => Uint8Array) | undefined }> {
  const [head, ...rest] = await boundedFrames(bytes, source);
  const first = head ? unpackFrame(bytes, head, source).content : new Uint8Array(0);
  if (rest.length === 0) return { first, all: undefined };
  const all = () =>
    concatenateBytes([first, ...rest.map((frame) => unpackFrame(bytes, frame, source).content)]);
  return { first, all };
}

/** Errors: `LimitExceeded`. */
async function boundedFrames(bytes: Uint8Array, source: string): Promise<ZstdFrame[]> {
  await native.zstd.ready("decode");
  const frames = framesOf(bytes, source);
  const bound = frames.reduce((total, frame) => total + frame.bound, 0);
  const limit = Math.min(MAX_PAYLOAD_BYTES, 64 * 1024 * 1024 + 512 * bytes.length);
  if (bound > limit + frames.length * BLOCK_BYTES) {
    throw new MoraineError("LimitExceeded", `${bytes.length} bytes could unpack to ${bound}`, { source });
  }
  return frames;
}

function unpackFrame(
  bytes: Uint8Array,
  { start, end, bound, declared }: ZstdFrame,
  source: string,
): DecompressedFrame {
  const packed = bytes.subarray(start, end);
  if (declared !== undefined && native.zstd.decompressInto) {
    const content = new Uint8Array(declared);
    if (unpack(source, () => native.zstd.decompressInto?.(packed, content))) return { packed, content };
  }
  return { packed, content: unpack(source, () => native.zstd.decompress(packed, bound)) };
}

/** Unpacks locations, each a frame of its own that refers to one dictionary. */
export async function locationDecoder(
  dictionary: Uint8Array,
  source: string,
): Promise<(frame: Uint8Array) => Uint8Array> {
  const { createDCtx, decompressUsingDict } = await loadZstd();
  const context = createDCtx();
  return (frame) => {
    const [only, more] = framesOf(frame, source);
    if (!only || more || only.bound > MAX_LOCATION_BYTES) throw corrupt("a compressed location", source);
    return unpack(source, () =>
      decompressUsingDict(context, frame, dictionary, { defaultHeapSize: only.bound }),
    );
  };
}

function framesOf(bytes: Uint8Array, source: string): ZstdFrame[] {
  return unpack(source, () => splitFrames(bytes));
}

/** Runs a decoder, which knows nothing of files: its errors become those of the file. */
function unpack<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (isMoraineError(cause, "ChecksumMismatch", "LimitExceeded")) throw cause.at({ source });
    throw corrupt(cause instanceof Error ? cause.message : String(cause), source);
  }
}

function corrupt(message: string, source: string): MoraineError {
  return new MoraineError("CorruptFile", message.startsWith("zstd") ? message : `zstd: ${message}`, {
    source,
  });
}

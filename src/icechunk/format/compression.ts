/**
 * The zstd frames in which payloads and compressed locations lie.
 *
 * @module
 */

import { loadZstd } from "../../codecs/wasm-zstd.ts";
import { splitFrames, type ZstdFrame } from "../../codecs/zstd-frames.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";

/** A frame holds at most so many bytes of a payload, so that little is held twice while it is packed. */
const FRAME_BYTES = 4 * 1024 * 1024;
const MAX_PAYLOAD_BYTES = 2147483647;
/** Longest location in bytes; official writers keep to 1,024 where they compress. */
const MAX_LOCATION_BYTES = 131072;

/** Packs bytes into frames that follow one another. */
export async function compress(bytes: Uint8Array, level: number): Promise<Uint8Array[]> {
  const zstd = await loadZstd();
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += FRAME_BYTES) {
    frames.push(zstd.compress(bytes.subarray(at, at + FRAME_BYTES), level));
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
  const zstd = await loadZstd();
  const frames = framesOf(bytes, source);
  const bound = frames.reduce((total, frame) => total + frame.bound, 0);
  const limit = Math.min(MAX_PAYLOAD_BYTES, 64 * 1024 * 1024 + 512 * bytes.length);
  if (bound > limit) {
    throw new MoraineError("LimitExceeded", `${bytes.length} bytes could unpack to ${bound}`, { source });
  }
  const parts = frames.map((frame) =>
    unpack(source, () =>
      zstd.decompress(bytes.subarray(frame.start, frame.end), { defaultHeapSize: frame.bound }),
    ),
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
  const zstd = await loadZstd();
  const context = zstd.createDCtx();
  return (bytes) => {
    const [frame, more] = framesOf(bytes, source);
    if (!frame || more || frame.bound > MAX_LOCATION_BYTES) throw corrupt("a compressed location", source);
    return unpack(source, () =>
      zstd.decompressUsingDict(context, bytes, dictionary, { defaultHeapSize: frame.bound }),
    );
  };
}

/** The frames, where they are whole: a file's bytes that are not are no chunk's. */
function framesOf(bytes: Uint8Array, source: string): ZstdFrame[] {
  try {
    return splitFrames(bytes);
  } catch (error) {
    if (!isMoraineError(error)) throw error;
    throw new MoraineError("CorruptFile", error.message, { source, cause: error });
  }
}

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

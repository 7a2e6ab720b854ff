/**
 * All codecs by name.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { makeBytes, makeMixedEndianBytes } from "./bytes.ts";
import { makeAdler32, makeCrc32, makeCrc32c, makeFletcher32, makeNumcodecsCrc32c } from "./checksums.ts";
import type { ChunkRepresentation, Codec, CodecMaker, CodecSpecification } from "./codec.ts";
import { makeGzip, makeNumcodecsGzip, makeZlib } from "./deflate.ts";
import { makeShuffle } from "./shuffle.ts";
import { makeTranspose } from "./transpose.ts";
import { makeVlenBytes, makeVlenUtf8 } from "./variable-length.ts";
import { makeNumcodecsZstd, makeZstd } from "./zstd.ts";

const MAKERS: ReadonlyMap<string, CodecMaker> = new Map([
  ["bytes", makeBytes],
  ["crc32c", makeCrc32c],
  ["gzip", makeGzip],
  ["moraine.mixed_endian_bytes", makeMixedEndianBytes],
  ["numcodecs.adler32", makeAdler32],
  ["numcodecs.crc32", makeCrc32],
  ["numcodecs.crc32c", makeNumcodecsCrc32c],
  ["numcodecs.fletcher32", makeFletcher32],
  ["numcodecs.gzip", makeNumcodecsGzip],
  ["numcodecs.shuffle", makeShuffle],
  ["numcodecs.zlib", makeZlib],
  ["numcodecs.zstd", makeNumcodecsZstd],
  ["transpose", makeTranspose],
  ["vlen-bytes", makeVlenBytes],
  ["vlen-utf8", makeVlenUtf8],
  ["zstd", makeZstd],
]);

/** Whether a codec of this name can be decoded here. */
export function isKnownCodec(name: string): boolean {
  return MAKERS.has(name);
}

/**
 * The codec that a specification names.
 *
 * Errors: `UnsupportedCodec` for a name that is not known here, `InvalidMetadata` for a bad configuration.
 */
export function makeCodec(specification: CodecSpecification, representation: ChunkRepresentation): Codec {
  const maker = MAKERS.get(specification.name);
  if (maker === undefined) {
    throw new MoraineError("UnsupportedCodec", `there is no codec "${specification.name}" here`);
  }
  return maker(specification.configuration ?? {}, representation);
}

/**
 * All codecs by name.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { makeAsType } from "./as-type.ts";
import { makeBase64 } from "./base64-text.ts";
import { makeBitRound, makeNumcodecsBitRound } from "./bit-round.ts";
import { makeBlosc, makeNumcodecsBlosc } from "./blosc.ts";
import { MIXED_ENDIAN_BYTES, makeBytes, makeMixedEndianBytes } from "./bytes.ts";
import { makeBz2 } from "./bz2.ts";
import { makeCastValue } from "./cast-value.ts";
import { makeCategorize } from "./categorize.ts";
import {
  makeAdler32,
  makeCrc32,
  makeCrc32c,
  makeFletcher32,
  makeJenkinsLookup3,
  makeNumcodecsCrc32c,
} from "./checksums.ts";
import type { ChunkRepresentation, Codec, CodecMaker, CodecSpecification } from "./codec.ts";
import { makeGzip, makeNumcodecsGzip, makeZlib } from "./deflate.ts";
import { makeDelta } from "./delta.ts";
import { makeFixedScaleOffset } from "./fixed-scale-offset.ts";
import { makeJsonStrings } from "./json-strings.ts";
import { makeLz4 } from "./lz4.ts";
import { makeLzma } from "./lzma.ts";
import { makeNumcodecsPackBits } from "./numcodecs-packbits.ts";
import { makePackBits } from "./packbits.ts";
import { makeQuantize } from "./quantize.ts";
import { makeScaleOffset } from "./scale-offset.ts";
import { makeSharding } from "./shard-codec.ts";
import { makeShuffle } from "./shuffle.ts";
import { makeTranspose } from "./transpose.ts";
import { makeVlenBytes, makeVlenUtf8 } from "./variable-length.ts";
import { makeNumcodecsZstd, makeZstd } from "./zstd.ts";

const MAKERS: ReadonlyMap<string, CodecMaker> = new Map([
  ["bitround", makeBitRound],
  ["blosc", makeBlosc],
  ["bytes", makeBytes],
  ["cast_value", makeCastValue],
  ["crc32c", makeCrc32c],
  ["gzip", makeGzip],
  [MIXED_ENDIAN_BYTES, makeMixedEndianBytes],
  ["numcodecs.adler32", makeAdler32],
  ["numcodecs.astype", makeAsType],
  ["numcodecs.base64", makeBase64],
  ["numcodecs.bitround", makeNumcodecsBitRound],
  ["numcodecs.blosc", makeNumcodecsBlosc],
  ["numcodecs.bz2", makeBz2],
  ["numcodecs.categorize", makeCategorize],
  ["numcodecs.crc32", makeCrc32],
  ["numcodecs.crc32c", makeNumcodecsCrc32c],
  ["numcodecs.delta", makeDelta],
  ["numcodecs.fixedscaleoffset", makeFixedScaleOffset],
  ["numcodecs.fletcher32", makeFletcher32],
  ["numcodecs.gzip", makeNumcodecsGzip],
  ["numcodecs.jenkins_lookup3", makeJenkinsLookup3],
  ["numcodecs.json2", makeJsonStrings],
  ["numcodecs.lz4", makeLz4],
  ["numcodecs.lzma", makeLzma],
  ["numcodecs.packbits", makeNumcodecsPackBits],
  ["numcodecs.quantize", makeQuantize],
  ["numcodecs.shuffle", makeShuffle],
  ["numcodecs.zlib", makeZlib],
  ["numcodecs.zstd", makeNumcodecsZstd],
  ["packbits", makePackBits],
  ["scale_offset", makeScaleOffset],
  ["sharding_indexed", makeSharding],
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

/**
 * HDF5 filters as Zarr codecs, where there is a codec for the same bytes.
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import { isKnownCodec } from "../../codecs/codecs.ts";
import { DEFLATE, type Filter, FLETCHER32, NBIT, SCALE_OFFSET, SHUFFLE, SZIP } from "./filter-pipeline.ts";

const BZIP2 = 307;
export const LZF = 32000;
const BLOSC = 32001;
export const LZ4 = 32004;
export const BITSHUFFLE = 32008;
export const ZSTANDARD = 32015;

/** Names for people; others are named by their number and what the file calls them. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [DEFLATE, "deflate"],
  [SHUFFLE, "shuffle"],
  [FLETCHER32, "fletcher32"],
  [SZIP, "szip"],
  [NBIT, "n-bit"],
  [SCALE_OFFSET, "scale-offset"],
  [BZIP2, "bzip2"],
  [LZF, "LZF"],
  [BLOSC, "Blosc"],
  [LZ4, "LZ4"],
  [BITSHUFFLE, "bitshuffle"],
  [32013, "ZFP"],
  [ZSTANDARD, "Zstandard"],
  [32026, "Blosc2"],
]);

/** What a filter is called. */
export function filterName({ id, name }: Filter): string {
  return NAMES.get(id) ?? (name === "" ? `${id}` : `${id} (${name})`);
}

const BLOSC_COMPRESSORS = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"] as const;

/**
 * The codec that decodes what a filter encoded; undefined where Zarr has none.
 *
 * @param elementSize bytes of an element as it is stored
 */
export function codecOf(filter: Filter, elementSize: number): CodecSpecification | undefined {
  const codec = candidate(filter, elementSize);
  return codec && isKnownCodec(codec.name) ? codec : undefined;
}

function candidate({ id, parameters }: Filter, elementSize: number): CodecSpecification | undefined {
  switch (id) {
    case DEFLATE:
      return { name: "numcodecs.zlib", configuration: { level: Math.min(parameters[0] ?? 6, 9) } };
    case SHUFFLE:
      return { name: "numcodecs.shuffle", configuration: { elementsize: parameters[0] || elementSize } };
    case FLETCHER32:
      return { name: "numcodecs.fletcher32" };
    case BZIP2:
      return {
        name: "numcodecs.bz2",
        configuration: { level: Math.min(Math.max(parameters[0] ?? 9, 1), 9) },
      };
    case BLOSC: {
      const [, , , blocksize = 0, clevel = 5, shuffle = 1, compressor = 0] = parameters;
      const cname = BLOSC_COMPRESSORS[compressor];
      if (cname === undefined || shuffle > 2) return undefined;
      return {
        name: "numcodecs.blosc",
        configuration: { cname, clevel: Math.min(clevel, 9), shuffle, blocksize },
      };
    }
    case ZSTANDARD: {
      // The parameter is a signed number.
      const level = Math.min(Math.max((parameters[0] ?? 3) | 0, -131072), 22);
      return { name: "numcodecs.zstd", configuration: { level } };
    }
    default:
      return undefined;
  }
}

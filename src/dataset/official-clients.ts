/**
 * What the official clients of Icechunk and Zarr (zarr-python 3.4, numcodecs 0.17) decode correctly. A virtual
 * array that they would read wrongly, or not at all, is never written as it is.
 *
 * @module
 */

import type { CodecSpecification } from "../codecs/codec.ts";
import { parseSharding } from "../codecs/sharding.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import type { Barrier } from "../manifest/virtual-group.ts";
import type { ArrayMetadata, RectilinearAxis } from "../zarr/array-metadata.ts";
import { axisChunkLengths } from "../zarr/chunk-grid.ts";

/** Codecs that zarr-python knows by these names. */
const KNOWN_CODECS: ReadonlySet<string> = new Set([
  "blosc",
  "bytes",
  "crc32c",
  "gzip",
  "numcodecs.adler32",
  "numcodecs.astype",
  "numcodecs.bitround",
  "numcodecs.blosc",
  "numcodecs.bz2",
  "numcodecs.crc32",
  "numcodecs.crc32c",
  "numcodecs.delta",
  "numcodecs.fixedscaleoffset",
  "numcodecs.fletcher32",
  "numcodecs.gzip",
  "numcodecs.lz4",
  "numcodecs.packbits",
  "numcodecs.shuffle",
  "numcodecs.zlib",
  "numcodecs.zstd",
  "sharding_indexed",
  "transpose",
  "vlen-bytes",
  "vlen-utf8",
  "zstd",
]);

/** Bytes that a checksum codec adds. */
const CHECKSUM_BYTES: Readonly<Record<string, number>> = {
  crc32c: 4,
  "numcodecs.adler32": 4,
  "numcodecs.crc32": 4,
  "numcodecs.crc32c": 4,
  "numcodecs.fletcher32": 4,
};

/**
 * Why the official clients could not read an array whose chunks are encoded as its metadata says; undefined
 * where they can.
 */
export function officialBarrier(metadata: ArrayMetadata): Barrier | undefined {
  if (readable.has(metadata)) return undefined;
  const barrier = dataTypeBarrier(metadata.dataType) ?? codecBarrier(metadata);
  if (barrier === undefined) readable.add(metadata);
  return barrier;
}

/** Metadata that are known to have no barrier: files of an archive share theirs. */
const readable = new WeakSet<ArrayMetadata>();

function dataTypeBarrier(dataType: DataType): Barrier | undefined {
  if (dataType.name === "bfloat16") {
    return { code: "UnsupportedDataType", reason: `zarr-python has no data type ${dataType.name}` };
  }
  if ("lengthBytes" in dataType && dataType.lengthBytes === 0) {
    return { code: "UnsupportedDataType", reason: `zarr-python has no ${dataType.name} of no bytes` };
  }
  if (dataType.name === "struct") {
    for (const field of dataType.fields) {
      const barrier =
        itemSize(field.dataType) === undefined
          ? {
              code: "UnsupportedDataType" as const,
              reason: `member "${field.name}" has no fixed size, which zarr-python's struct needs`,
            }
          : dataTypeBarrier(field.dataType);
      if (barrier) return barrier;
    }
  }
  return undefined;
}

function codecBarrier(metadata: ArrayMetadata): Barrier | undefined {
  return unknownCodec(metadata.codecs) ?? shardingBarrier(metadata) ?? shuffleBarrier(metadata);
}

/** A codec that zarr-python has not, also among those of inner chunks. */
function unknownCodec(codecs: readonly CodecSpecification[]): Barrier | undefined {
  for (const { name, configuration = {} } of codecs) {
    if (!KNOWN_CODECS.has(name)) {
      return { code: "UnsupportedCodec", reason: `zarr-python has no codec "${name}"` };
    }
    if (configuration["cname"] === "snappy") {
      return { code: "UnsupportedCodec", reason: "the Blosc of numcodecs is built without snappy" };
    }
    if (name === "sharding_indexed") {
      const { codecs: inner, indexCodecs } = parseSharding(configuration);
      const barrier = unknownCodec(inner) ?? unknownCodec(indexCodecs);
      if (barrier) return barrier;
    }
  }
  return undefined;
}

/** zarr-python compares inner chunks with the chunks of the grid, not with what a transposition makes of these. */
function shardingBarrier({ codecs, chunkGrid }: ArrayMetadata): Barrier | undefined {
  const sharding = codecs.find(({ name }) => name === "sharding_indexed");
  if (sharding === undefined) return undefined;
  const { chunkShape } = parseSharding(sharding.configuration ?? {});
  const shards: readonly RectilinearAxis[] =
    chunkGrid.name === "regular" ? chunkGrid.chunkShape : chunkGrid.chunkShapes;
  const divides = chunkShape.every((length, axis) =>
    axisChunkLengths(shards[axis] ?? 0).every((shard) => shard % length === 0),
  );
  if (divides) return undefined;
  return {
    code: "UnsupportedCodec",
    reason: "zarr-python refuses inner chunks that divide the shard only once it is transposed",
  };
}

/**
 * numcodecs refuses to shuffle bytes that are no whole number of elements, where HDF5 copies the tail. netCDF-C
 * puts the checksum first, so that the shuffle of its files sees four bytes more than the chunk has.
 */
function shuffleBarrier(metadata: ArrayMetadata): Barrier | undefined {
  const size = itemSize(metadata.dataType);
  if (size === undefined) return undefined;
  const { chunkGrid, codecs } = metadata;
  return shuffleAmong(codecs, size, chunkGrid.name === "regular" ? chunkGrid.chunkShape : undefined);
}

/** @param shape of the chunks, where all have one */
function shuffleAmong(
  codecs: readonly CodecSpecification[],
  size: number,
  shape: readonly number[] | undefined,
): Barrier | undefined {
  let bytes = shape?.reduce((product, length) => product * length, size);
  for (const codec of codecs) {
    if (codec.name === "sharding_indexed") {
      const inner = parseSharding(codec.configuration ?? {});
      const barrier = shuffleAmong(inner.codecs, size, inner.chunkShape);
      if (barrier) return barrier;
    }
    if (codec.name === "numcodecs.shuffle") {
      const element = shuffleElementSize(codec, size);
      // Bytes of unknown number are whole elements only by chance, unless an element is one byte.
      const whole = element === 1 || (bytes === undefined ? element === size : bytes % element === 0);
      if (!whole) {
        return {
          code: "UnsupportedCodec",
          reason: `shuffle sees bytes that are no whole number of its ${element}-byte elements; numcodecs refuses that`,
        };
      }
    } else if (bytes !== undefined && codec.name in CHECKSUM_BYTES) {
      bytes += CHECKSUM_BYTES[codec.name] ?? 0;
    } else if (codec.name !== "bytes" && codec.name !== "transpose") {
      bytes = undefined;
      // After a compressor the number of bytes differs from chunk to chunk.
      if (codecs.slice(codecs.indexOf(codec) + 1).some(isWideShuffle)) {
        return {
          code: "UnsupportedCodec",
          reason: "shuffle after a compressor; numcodecs refuses odd lengths",
        };
      }
    }
  }
  return undefined;
}

function isWideShuffle(codec: CodecSpecification): boolean {
  return codec.name === "numcodecs.shuffle" && shuffleElementSize(codec, 2) !== 1;
}

function shuffleElementSize(codec: CodecSpecification, dataSize: number): number {
  const size = codec.configuration?.["elementsize"];
  return typeof size === "number" && size > 0 ? size : dataSize;
}

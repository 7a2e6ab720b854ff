/**
 * Another form in which an array is stored: other chunks, shards, another compressor.
 *
 * @module
 */

import type { CodecSpecification } from "../codecs/codec.ts";
import { parseSharding } from "../codecs/sharding.ts";
import { itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { largestChunk } from "../zarr/chunk-grid.ts";

/** Lengths of chunks along the dimensions that are named; the others stay as they are. */
export type ChunkLengths = Readonly<Record<string, number>>;

export interface StorageForm {
  /** Chunks, inner chunks where there are shards. */
  readonly chunks?: ChunkLengths | undefined;
  /** Shards; lengths are made multiples of those of the chunks. */
  readonly shards?: ChunkLengths | undefined;
  /** `zstd`, `gzip`, or `none`, with a level: `zstd:5`. */
  readonly recompress?: string | undefined;
}

/** Whether anything is to change. */
export function changesForm(form: StorageForm): boolean {
  return form.chunks !== undefined || form.shards !== undefined || form.recompress !== undefined;
}

/** Whether chunks of two arrays are cut and encoded in the same way. */
export function hasSameForm(a: ArrayMetadata, b: ArrayMetadata): boolean {
  const key = ({ chunkGrid, codecs }: ArrayMetadata): string => sortedJson({ chunkGrid, codecs });
  return key(a) === key(b);
}

/** JSON with sorted keys, and empty configurations left away. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (key, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    const entries = Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1));
    return key === "configuration" && entries.length === 0 ? undefined : Object.fromEntries(entries);
  });
}

/**
 * The metadata of an array in another form; the same object where nothing of it applies.
 *
 * Errors: `InvalidArgument` for a compressor that is not known or a length that is none.
 */
export function inForm(metadata: ArrayMetadata, form: StorageForm): ArrayMetadata {
  const { shape, dimensionNames } = metadata;
  const applies = (wanted: ChunkLengths | undefined): boolean =>
    wanted !== undefined && dimensionNames?.some((name) => name !== null && name in wanted) === true;
  if (form.recompress === undefined && !applies(form.chunks) && !applies(form.shards)) return metadata;
  const lengths = (wanted: ChunkLengths | undefined, otherwise: readonly number[]): number[] =>
    otherwise.map((length, axis) => {
      const name = dimensionNames?.[axis];
      const given = name === undefined || name === null ? undefined : wanted?.[name];
      if (given === undefined) return length;
      if (!Number.isSafeInteger(given) || given < 1) {
        throw new MoraineError("InvalidArgument", `chunks of ${given} along ${name}`);
      }
      return Math.min(given, Math.max(shape[axis] ?? 1, 1));
    });
  const [first] = metadata.codecs;
  const sharded = first?.name === "sharding_indexed" ? parseSharding(first.configuration ?? {}) : undefined;
  const chunkShape = lengths(form.chunks, sharded?.chunkShape ?? largestChunk(metadata.chunkGrid));
  const plain = innermost(metadata.codecs);
  const inner = form.recompress === undefined ? plain : compressed(metadata, form.recompress);
  if (form.shards === undefined || shape.length === 0) {
    return { ...metadata, chunkGrid: { name: "regular", chunkShape }, codecs: inner };
  }
  const shardShape = lengths(form.shards, chunkShape).map((length, axis) => {
    const chunk = chunkShape[axis] ?? 1;
    return Math.ceil(length / chunk) * chunk;
  });
  const sharding: CodecSpecification = {
    name: "sharding_indexed",
    configuration: {
      chunk_shape: chunkShape,
      codecs: inner.map(({ name, configuration = {} }) => ({ name, configuration: { ...configuration } })),
      index_codecs: [
        { name: "bytes", configuration: { endian: "little" } },
        { name: "crc32c", configuration: {} },
      ],
      index_location: "end",
    },
  };
  return { ...metadata, chunkGrid: { name: "regular", chunkShape: shardShape }, codecs: [sharding] };
}

/** The codecs that inner chunks of whatever length can have: shards within shards are for one length only. */
function innermost(codecs: readonly CodecSpecification[]): readonly CodecSpecification[] {
  const sharding = codecs.find(({ name }) => name === "sharding_indexed");
  return sharding ? innermost(parseSharding(sharding.configuration ?? {}).codecs) : codecs;
}

function compressed(metadata: ArrayMetadata, recompress: string): CodecSpecification[] {
  const [name, level] = recompress.split(":");
  const { dataType } = metadata;
  const size = itemSize(dataType);
  const serializer: CodecSpecification =
    dataType.name === "string"
      ? { name: "vlen-utf8", configuration: {} }
      : dataType.name === "variable_length_bytes"
        ? { name: "vlen-bytes", configuration: {} }
        : size === 1
          ? { name: "bytes" }
          : { name: "bytes", configuration: { endian: "little" } };
  const whole = /^\d+$/.test(level ?? "") ? Number(level) : undefined;
  const shuffles = size !== undefined && [2, 4, 8].includes(size);
  const shuffle: CodecSpecification[] = shuffles
    ? [{ name: "numcodecs.shuffle", configuration: { elementsize: size } }]
    : [];
  switch (name) {
    case "none":
      return [serializer];
    case "zstd":
      return [
        serializer,
        ...shuffle,
        { name: "zstd", configuration: { level: whole ?? 3, checksum: false } },
      ];
    case "gzip":
      return [serializer, ...shuffle, { name: "gzip", configuration: { level: whole ?? 5 } }];
    default:
      throw new MoraineError("InvalidArgument", `"${recompress}" is no compressor; zstd, gzip and none are`);
  }
}

/**
 * The reader of NumPy's `.npy` files: one array without a name.
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { ManifestChunkSource } from "../../manifest/manifest-chunk-source.ts";
import { splitChunks, subChunkShape } from "../../manifest/split-chunks.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { Storage, Version } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridPosition } from "../../zarr/chunk-grid.ts";
import { numpySerializer } from "../../zarr/codecs-v2.ts";
import { type OpenOptions, type Reader, readHead } from "../reader.ts";
import { headerEnd, isNpy, type NpyHeader, parseHeader } from "./header.ts";

/** Bytes of a chunk, where the lengths of the array can be divided so. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Reads `.npy` files of versions 1.0, 2.0 and 3.0, in C and Fortran order, of every type that Zarr has.
 *
 * Errors of `open`: `TruncatedFile` where the file ends before its values do, `CorruptFile`, `UnsupportedVersion`,
 * `UnsupportedDataType` (objects), `LimitExceeded`, `NumberTooLarge`.
 */
export const npy: Reader<VirtualArray> = {
  name: "npy",
  matches: isNpy,
  async open(address, storage, options): Promise<VirtualArray> {
    try {
      return await openArray(address, storage, options);
    } catch (error) {
      throw isMoraineError(error) ? error.at({ source: address }) : error;
    }
  },
};

async function openArray(
  address: string,
  storage: Storage,
  { signal, head: given }: OpenOptions = {},
): Promise<VirtualArray> {
  let head = given ?? (await readHead(address, storage, { signal }));
  const end = headerEnd(head.bytes);
  if (end > head.bytes.length) {
    const range = { offset: 0, length: end };
    const { parts } = await storage.read(address, [range], { signal, version: head.version, clip: true });
    head = { ...head, bytes: parts[0] ?? head.bytes };
  }
  const header = parseHeader(head.bytes);
  const size = head.version.size ?? (await storage.head(address, { signal })).size;
  return arrayOf(address, { ...head.version, size }, size, header);
}

function arrayOf(address: string, version: Version, fileSize: number, header: NpyHeader): VirtualArray {
  const { dtype, shape, start } = header;
  const elementBytes = itemSize(dtype.dataType) ?? 0;
  const bytes = shape.reduce((product, length) => product * length, elementBytes);
  if (!Number.isSafeInteger(bytes)) throw new MoraineError("NumberTooLarge", `${shape.join(" x ")} elements`);
  if (start + bytes > fileSize) {
    throw new MoraineError(
      "TruncatedFile",
      `${bytes} bytes of values begin at ${start}, the file has ${fileSize}`,
      {
        offset: fileSize,
      },
    );
  }
  const isReversed = header.fortranOrder && shape.length > 1;
  const { metadata: stored, manifest } = chunksOf(
    address,
    version,
    header,
    isReversed ? [...shape].reverse() : shape,
  );
  const codecs: CodecSpecification[] = [numpySerializer(dtype)];
  if (!isReversed) return virtualArray({ ...stored, codecs }, manifest);
  const order = shape.map((_, axis) => shape.length - 1 - axis);
  const chunkGrid =
    stored.chunkGrid.name === "regular"
      ? { ...stored.chunkGrid, chunkShape: [...stored.chunkGrid.chunkShape].reverse() }
      : stored.chunkGrid;
  const transpose: CodecSpecification = { name: "transpose", configuration: { order } };
  return virtualArray({ ...stored, shape, chunkGrid, codecs: [transpose, ...codecs] }, reversed(manifest));
}

/** The values as they lie one after another, cut into chunks along the slowest axes. */
function chunksOf(
  address: string,
  version: Version,
  { dtype: { dataType }, start }: NpyHeader,
  shape: readonly number[],
): { metadata: ArrayMetadata; manifest: ChunkManifest } {
  const elementBytes = itemSize(dataType) ?? 0;
  const metadata: ArrayMetadata = {
    shape,
    dataType,
    chunkGrid: { name: "regular", chunkShape: shape.map((length) => Math.max(length, 1)) },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: new Uint8Array(elementBytes),
    codecs: [{ name: "bytes" }],
    attributes: {},
  };
  const bytes = shape.reduce((product, length) => product * length, elementBytes);
  const gridShape = shape.map((length) => Math.min(length, 1));
  const builder = new ManifestBuilder(gridShape, address, version);
  if (bytes > 0) builder.append(0, start, bytes);
  const whole = { metadata, manifest: builder.build() };
  return bytes > CHUNK_BYTES ? splitChunks(whole, subChunkShape(metadata, CHUNK_BYTES) ?? shape) : whole;
}

/** References of the array whose axes are in the other order. */
function reversed(manifest: ChunkManifest): ChunkManifest {
  const gridShape = [...manifest.gridShape].reverse();
  const builder = new ManifestBuilder(gridShape, manifest.locations[0] ?? "", manifest.versions[0]);
  for (let entry = 0; entry < manifest.count; entry++) {
    const position = gridPosition(entryCoordinates(manifest, entry).reverse(), gridShape);
    builder.append(position, manifest.offsets[entry] ?? 0, manifest.lengths[entry] ?? 0);
  }
  return builder.build();
}

function virtualArray(metadata: ArrayMetadata, manifest: ChunkManifest): VirtualArray {
  const load = (): Promise<ChunkManifest> => Promise.resolve(manifest);
  return { kind: "array", metadata, chunks: new ManifestChunkSource(load), manifest: load };
}

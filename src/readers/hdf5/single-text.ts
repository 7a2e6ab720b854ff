/**
 * A single string of variable length, as bytes of its own length.
 *
 * Zarr's `string` would do, but h5py and netCDF4 give such a string as one value with a length, and a fixed length is
 * what every client reads without a codec. The text of a whole array stays `string`.
 *
 * @module
 */

import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { ManifestChunkSource } from "../../manifest/manifest-chunk-source.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { Dataset } from "./dataset.ts";
import type { DecodedChunks } from "./stored-chunks.ts";

/** Before the text: the number of strings and the bytes of this one, as `vlen-utf8` has them. */
const LENGTHS = 8;

/** Whether a dataset is one string of variable length. */
export function isSingleText({ dataspace, datatype, layout }: Dataset): boolean {
  const single = dataspace.kind === "simple" && dataspace.shape.length === 0;
  return single && datatype.class === "variable-string" && layout.class !== "virtual";
}

/**
 * The array of such a dataset, its text held inline as `null_terminated_bytes`; the attribute `_Encoding` tells
 * xarray that it is text.
 *
 * @param chunks gives the string encoded by `vlen-utf8`
 * @param metadata that of a `string` array
 */
export async function singleText(
  { object }: Dataset,
  chunks: DecodedChunks,
  metadata: ArrayMetadata,
  options: StorageOptions | undefined,
): Promise<Pick<VirtualArray, "metadata" | "chunks" | "manifest">> {
  const { inline } = await chunks.locate(new Uint32Array(0), 1, options);
  const text = inline.get(0)?.subarray(LENGTHS) ?? metadata.fillValue;
  const bytes = new Uint8Array(Math.max(text.length, 1));
  bytes.set(text);
  const { file } = object.in;
  const builder = new ManifestBuilder([], file.metadata.source, file.version);
  builder.appendInline(0, bytes);
  const built = builder.build();
  const manifest = async () => built;
  return {
    metadata: {
      ...metadata,
      dataType: { name: "null_terminated_bytes", lengthBytes: bytes.length },
      fillValue: new Uint8Array(bytes.length),
      codecs: [{ name: "bytes" }],
      attributes: { ...metadata.attributes, _Encoding: "utf-8" },
    },
    chunks: new ManifestChunkSource(manifest),
    manifest,
  };
}

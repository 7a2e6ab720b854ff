/**
 * Arrays of a Zarr store whose chunks are references: what `index --virtual` writes.
 *
 * @module
 */

import { isJsonObject, parseJson } from "../binary/json.ts";
import type { ChunkManifest } from "../manifest/chunk-manifest.ts";
import { ReferenceAddresses } from "../manifest/kerchunk/array-references.ts";
import { ManifestChunkSource } from "../manifest/manifest-chunk-source.ts";
import {
  hasReferences,
  manifestOfJson,
  REFERENCES_FILE,
  withoutReferences,
} from "../manifest/references-document.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { gridShapeOf } from "../zarr/chunk-grid.ts";
import { parseArrayMetadata } from "../zarr/metadata-v3.ts";
import type { ZarrStore } from "../zarr/store.ts";

/**
 * The array at a path of a store if its metadata say that its chunks are references; undefined for every other node.
 *
 * Errors: `InvalidMetadata`. Those of the references come when they are first needed.
 *
 * @param authorize address prefixes that references may lead to
 */
export async function referencedArray(
  store: ZarrStore,
  path: string,
  authorize: readonly string[] | undefined,
  options?: StorageOptions,
): Promise<VirtualArray | undefined> {
  const bytes = await store.get(`${path}/zarr.json`, options);
  const document = bytes && parseJson(bytes, store.addressOf(`${path}/zarr.json`));
  if (document === undefined || !hasReferences(document)) return undefined;
  const metadata = parseArrayMetadata(withoutReferences(document));
  const key = `${path}/${REFERENCES_FILE}`;
  let loading: Promise<ChunkManifest> | undefined;
  const load = async (loadOptions?: StorageOptions): Promise<ChunkManifest> => {
    const content = await store.get(key, loadOptions);
    const json = content && parseJson(content, store.addressOf(key));
    const addresses = new ReferenceAddresses(store.addressOf(key), authorize);
    return manifestOfJson(isJsonObject(json) ? json : {}, gridShapeOf(metadata), (url) =>
      addresses.resolve(url),
    );
  };
  const manifest = (loadOptions?: StorageOptions): Promise<ChunkManifest> => {
    loading ??= load(loadOptions);
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  return { kind: "array", metadata, chunks: new ManifestChunkSource(manifest), manifest };
}

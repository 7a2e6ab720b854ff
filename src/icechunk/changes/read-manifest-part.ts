import type { StorageOptions } from "../../storage/storage.ts";
import type { ChunkReferences } from "../format/chunk-references.ts";
import type { ArrayNode, KnownManifests, ManifestPart } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { intersection } from "./boxes.ts";

/** Reads the references that an array has in a manifest, those in a box. */
export async function readManifestPart(
  files: RepositoryFiles,
  known: KnownManifests,
  node: Pick<ArrayNode, "id" | "gridShape">,
  part: ManifestPart,
  box: Uint32Array,
  options: StorageOptions = {},
): Promise<ChunkReferences> {
  const manifest = await files.manifestOf(known, part, options);
  return manifest.references(node.id, node.gridShape, intersection(part.extents, box));
}

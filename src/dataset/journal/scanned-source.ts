/**
 * A scanned file as an opened source, without opening the file.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestChunkSource, type ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import {
  type FaultyArray,
  groupNodeOf,
  type VirtualArray,
  type VirtualGroup,
} from "../../manifest/virtual-group.ts";
import type { StorageRouter } from "../../storage/router.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { requireVersion } from "../../storage/version.ts";
import { nodeBelow } from "../../zarr/tree.ts";
import { withChunkCache } from "../chunk-cache.ts";
import { openSource, type SourceOptions } from "../open.ts";
import type { OpenedSource, SourceFormat, SourceStatistics } from "../source.ts";
import { OwnReads } from "./own-reads.ts";
import { refuse } from "./recorded-manifest.ts";
import type { ScannedArray, ScannedFault, ScannedFile } from "./scanned-file.ts";

export type ScanOptions = SourceOptions & { readonly storage: StorageRouter };

/**
 * The source that was scanned. Arrays whose chunks only the file itself can give open it again when they are asked
 * for: `SourceChanged` where it is another one by then.
 *
 * Errors: `InvalidMetadata` for nodes that do not fit together.
 */
export function sourceOfScan<Manifest>(
  scanned: ScannedFile<Manifest>,
  loaderOf: (manifest: Manifest) => ManifestLoader,
  options: ScanOptions,
): OpenedSource {
  const { address, format } = scanned;
  const root = new ScannedNodes(scanned, loaderOf, arraysOf(scanned, options)).node(0);
  if (root.kind !== "group") throw refuse();
  return new ScannedSource(address, format, groupNodeOf(root), options);
}

/** A class, not functions of its own for each of very many. */
class ScannedSource implements OpenedSource {
  readonly address: string;
  readonly format: SourceFormat;
  readonly root: OpenedSource["root"];
  readonly storage: OpenedSource["storage"];
  readonly #router: StorageRouter;

  constructor(
    address: string,
    format: SourceFormat,
    root: OpenedSource["root"],
    { storage, cacheBytes }: ScanOptions,
  ) {
    this.address = address;
    this.format = format;
    this.root = root;
    this.storage = withChunkCache(storage, cacheBytes);
    this.#router = storage;
  }

  isNative(): boolean {
    return false;
  }

  statistics(): SourceStatistics {
    return this.#router.statistics;
  }

  async close(): Promise<void> {}
}

type FileArrays = (path: string, isStored: boolean, options?: StorageOptions) => Promise<VirtualArray>;

/** Arrays of the file itself, which is opened when the first is asked for. Errors: `SourceChanged`. */
function arraysOf(
  { address, version }: Pick<ScannedFile, "address" | "version">,
  options: ScanOptions,
): FileArrays {
  let opened: Promise<OpenedSource> | undefined;
  const open = async (): Promise<OpenedSource> => {
    const reads = new OwnReads(options.storage, address);
    const source = await openSource(address, { ...options, storage: reads });
    const now = reads.version;
    if (now === undefined) throw changed(address);
    requireVersion(address, now, version);
    return source;
  };
  return async (path, isStored, own) => {
    opened ??= open();
    const node = await nodeBelow((await opened).root, path, own);
    const array: VirtualArray | undefined = node?.kind === "array" ? node : undefined;
    const found = isStored ? array?.stored : array;
    if (found !== undefined) return found;
    throw changed(address, path);
  };
}

function changed(source: string, path?: string): MoraineError {
  return new MoraineError("SourceChanged", "it is not what it was when it was scanned", { source, path });
}

class ScannedNodes<Manifest> {
  readonly #scanned: ScannedFile<Manifest>;
  readonly #loaderOf: (manifest: Manifest) => ManifestLoader;
  readonly #ofFile: FileArrays;
  readonly #known = new Map<number, VirtualGroup | VirtualArray | FaultyArray>();

  constructor(
    scanned: ScannedFile<Manifest>,
    loaderOf: (manifest: Manifest) => ManifestLoader,
    ofFile: FileArrays,
  ) {
    this.#scanned = scanned;
    this.#loaderOf = loaderOf;
    this.#ofFile = ofFile;
  }

  node(id: number): VirtualGroup | VirtualArray | FaultyArray {
    const known = this.#known.get(id);
    if (known) return known;
    const scanned = this.#scanned.nodes[id];
    if (scanned === undefined) throw refuse();
    if (scanned.kind === "fault") {
      const fault = faultOf(scanned);
      this.#known.set(id, fault);
      return fault;
    }
    if (scanned.kind === "array") {
      const array = this.#array(scanned);
      this.#known.set(id, array);
      return array;
    }
    const children = new Map<string, VirtualGroup | VirtualArray | FaultyArray>();
    const group: VirtualGroup = {
      kind: "group",
      attributes: scanned.attributes,
      children,
      links: scanned.links && new Set(scanned.links),
      notes: scanned.notes,
      first: scanned.first === undefined ? undefined : this.#first(scanned.first),
    };
    // Before its children: a hard link may lead from them back to it.
    this.#known.set(id, group);
    for (const [name, child] of scanned.children) children.set(name, this.node(child));
    return group;
  }

  /** Known already: views stand in the order in which they are met. */
  #first(id: number): VirtualGroup {
    const group = this.#known.get(id);
    if (group?.kind !== "group") throw refuse();
    return group;
  }

  #array(scanned: ScannedArray<Manifest>): VirtualArray {
    const { stored } = scanned;
    const { manifest, chunks } = this.#chunksOf(scanned);
    // One literal: what is spread together gets a hidden class of its own, and there may be a million of these.
    return {
      kind: "array",
      metadata: scanned.metadata,
      chunks,
      manifest,
      barrier: scanned.barrier,
      hidden: scanned.hidden,
      storedName: scanned.storedName,
      described: scanned.described,
      notes: scanned.notes,
      disputed: scanned.disputed,
      values: scanned.values,
      stored: stored === undefined ? undefined : this.#arrayOf(stored),
    };
  }

  #chunksOf(scanned: ScannedArray<Manifest>): Pick<VirtualArray, "manifest" | "chunks"> {
    if (scanned.twin !== undefined) return this.#arrayOf(scanned.twin);
    const { manifest } = scanned;
    if (manifest === undefined) return this.#chunksOfFile(scanned);
    const load = this.#loaderOf(manifest);
    return { manifest: load, chunks: new ManifestChunkSource(load) };
  }

  #chunksOfFile({
    path,
    isStored,
    hasManifest,
    batch,
  }: ScannedArray<Manifest>): Pick<VirtualArray, "manifest" | "chunks"> {
    const ofFile = (options?: StorageOptions): Promise<VirtualArray> => this.#ofFile(path, isStored, options);
    return {
      manifest: hasManifest ? manifestOf(ofFile) : undefined,
      chunks: {
        ...(batch !== undefined && { batch }),
        locate: async (coordinates, count, options) =>
          (await ofFile(options)).chunks.locate(coordinates, count, options),
      },
    };
  }

  #arrayOf(id: number): VirtualArray {
    // An array that stands for itself would go round in circles.
    if (this.#scanned.nodes[id]?.kind !== "array" || this.#entered.has(id)) throw refuse();
    this.#entered.add(id);
    const node = this.node(id);
    this.#entered.delete(id);
    if (node.kind !== "array") throw refuse();
    return node;
  }

  readonly #entered = new Set<number>();
}

function manifestOf(
  ofFile: (options?: StorageOptions) => Promise<VirtualArray>,
): (options?: StorageOptions) => Promise<ChunkManifest> {
  return async (options) => {
    const manifest = await (await ofFile(options)).manifest?.(options);
    if (manifest === undefined) throw refuse();
    return manifest;
  };
}

function faultOf({ error, ...same }: ScannedFault): FaultyArray {
  return { ...same, error: new MoraineError(error.code, error.message, error) };
}

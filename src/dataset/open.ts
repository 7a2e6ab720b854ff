/**
 * Opens whatever lies at an address; its bytes tell what it is.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../errors.ts";
import { groupNodeOf, type VirtualArray, type VirtualGroup } from "../manifest/virtual-group.ts";
import { type FileHead, headBytes, type Reader, readHead } from "../readers/reader.ts";
import { joinAddress, resolveAddress } from "../storage/address.ts";
import { type RouterOptions, StorageRouter } from "../storage/router.ts";
import type { ByteRange, StorageOptions } from "../storage/storage.ts";
import { withChunkCache } from "./chunk-cache.ts";
import { FORMATS } from "./formats.ts";
import type { OpenedSource, SourceFormat } from "./source.ts";

/** How a source is opened: which version of it, and what it may lead to. */
export interface SourceOptions extends StorageOptions, RouterOptions {
  /** Branch, tag or snapshot id of a repository, looked for in this order. Default: the branch `main`. */
  readonly ref?: string | undefined;
  /** The state of the branch at this time. */
  readonly asOf?: Date | undefined;
  /**
   * Address prefixes that the references of a repository or of Kerchunk may lead to. Default: everything, but a
   * source that is not on this machine leads to none of this machine's files.
   */
  readonly authorize?: readonly string[] | undefined;
  /** The storage to be used and counted, instead of a new one. */
  readonly storage?: StorageRouter | undefined;
  /** Bytes of chunks that are remembered, as they are stored, for parts that are read again and again. Default: none. */
  readonly cacheBytes?: number | undefined;
}

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

let workingFolder = (): string => "/";

/** Names the folder that relative paths start from. Called by `node.ts`. */
export function useWorkingFolder(folder: () => string): void {
  workingFolder = folder;
}

/** The absolute address of what was typed. */
export function addressOf(typed: string): string {
  return resolveAddress(typed, workingFolder());
}

/**
 * Opens a source: NetCDF classic, HDF5 and NetCDF-4, Kerchunk references, a Zarr store or array (v2, v3), a zip of
 * one, an Icechunk repository, an array of NumPy (`.npy`).
 *
 * Errors: `NotFound`, `UnknownFormat`, and those of the format (`TruncatedFile`, `CorruptFile`, …).
 *
 * @param typed path or URL
 */
export async function openSource(typed: string, options: SourceOptions = {}): Promise<OpenedSource> {
  const address = addressOf(typed);
  const storage = options.storage ?? new StorageRouter(options);
  // Asked for side by side where a folder is likelier than a file; its bytes decide all the same.
  const marks = FILE_NAME.test(address) ? undefined : findMarks(address, storage, options);
  marks?.catch(() => undefined);
  const head = address.endsWith("/") ? undefined : await headOf(address, storage, options);
  return head === undefined
    ? await openFolder(address, await (marks ?? findMarks(address, storage, options)), storage, options)
    : await openFile(address, head, storage, options);
}

/** Names of files: an ending that is none of a store's or repository's. */
const FILE_NAME = /\.(?!(?:icechunk|zarr|parquet|parq)$)[a-z][a-z0-9]{0,5}$|^https?:.*[?]/i;

/** The first bytes of a file; undefined where no file is. */
async function headOf(
  address: string,
  storage: StorageRouter,
  options: StorageOptions,
): Promise<FileHead | undefined> {
  try {
    return await readHead(address, storage, options);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function openFile(
  address: string,
  head: FileHead,
  storage: StorageRouter,
  options: SourceOptions,
): Promise<OpenedSource> {
  if (isZip(head.bytes)) {
    const { openZipSource } = await import("./store-source.ts");
    return await openZipSource(address, storage, {
      signal: options.signal,
      authorize: options.authorize?.map(addressOf),
    });
  }
  const found =
    FORMATS.find(([, reader]) => reader.matches(head.bytes)) ??
    ((await hasLateSignature(address, head.bytes, storage, options))
      ? FORMATS.find(([format]) => format === "hdf5")
      : undefined);
  if (found === undefined) {
    throw new MoraineError(
      head.bytes.length === 0 ? "TruncatedFile" : "UnknownFormat",
      head.bytes.length === 0 ? "the file is empty" : "the bytes are of no format that is read here",
      { source: address, offset: 0 },
    );
  }
  return await openByReader(address, head, found, storage, options);
}

/** Begins with an entry, or with the directory of an empty archive (APPNOTE 4.3). */
function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5) && head[3] === head[2] + 1;
}

/** A user block of HDF5 may be longer than what was read: signatures stand at powers of two. */
async function hasLateSignature(
  address: string,
  head: Uint8Array,
  storage: StorageRouter,
  options: StorageOptions,
): Promise<boolean> {
  const first = headBytes(address);
  if (head.length < first) return false;
  const ranges: ByteRange[] = [];
  const { size } = await storage.head(address, options);
  for (let offset = first; offset + 8 <= size; offset *= 2) ranges.push({ offset, length: 8 });
  const { parts } = await storage.read(address, ranges, { signal: options.signal });
  return parts.some((part) => HDF5_SIGNATURE.every((byte, at) => part[at] === byte));
}

async function openByReader(
  address: string,
  head: FileHead,
  [format, reader]: readonly [SourceFormat, Reader<VirtualGroup | VirtualArray>],
  storage: StorageRouter,
  options: SourceOptions,
): Promise<OpenedSource> {
  const root = await reader.open(address, storage, {
    signal: options.signal,
    head,
    authorize: options.authorize?.map(addressOf),
  });
  return referencesSource(address, format, root, storage, options);
}

/** A source whose chunks lie in the file itself or in files it refers to. */
function referencesSource(
  address: string,
  format: SourceFormat,
  root: VirtualGroup | VirtualArray,
  storage: StorageRouter,
  options: SourceOptions,
): OpenedSource {
  return {
    address,
    format,
    root: root.kind === "array" ? root : groupNodeOf(root),
    storage: withChunkCache(storage, options.cacheBytes),
    isNative: () => false,
    statistics: () => storage.statistics,
    close: () => Promise.resolve(),
  };
}

/** Keys whose presence tells what a folder holds; asked for at the same time. */
const MARKS = {
  icechunk: ["repo", "refs/branch.main/ref.json", "refs/branch.main/latest.txt"],
  zarr: ["zarr.json", ".zgroup", ".zarray", ".zmetadata"],
} as const;

/** Kerchunk Parquet: its `.zmetadata` tell it from a store's. */
async function openReferences(
  address: string,
  storage: StorageRouter,
  options: SourceOptions,
): Promise<OpenedSource | undefined> {
  const { openReferenceFolder } = await import("../readers/kerchunk/kerchunk-parquet.ts");
  try {
    const root = await openReferenceFolder(address, storage, {
      signal: options.signal,
      authorize: options.authorize?.map(addressOf),
    });
    return root && referencesSource(address, "kerchunk-parquet", root, storage, options);
  } catch (error) {
    if (isMoraineError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** What a folder holds, as its marks tell. */
async function findMarks(
  address: string,
  storage: StorageRouter,
  options: StorageOptions,
): Promise<{ readonly repository: boolean; readonly zarr: boolean }> {
  const has = async (key: string): Promise<boolean> =>
    (await headOf(joinAddress(address, key), storage, options)) !== undefined;
  const [repository = false, zarr = false] = await Promise.all(
    [MARKS.icechunk, MARKS.zarr].map(async (keys) => (await Promise.all(keys.map(has))).some(Boolean)),
  );
  return { repository, zarr };
}

async function openFolder(
  typed: string,
  { repository, zarr }: { readonly repository: boolean; readonly zarr: boolean },
  storage: StorageRouter,
  options: SourceOptions,
): Promise<OpenedSource> {
  const address = typed.endsWith("/") ? typed : `${typed}/`;
  if (repository) {
    const { openRepositorySource } = await import("./repository-source.ts");
    return await openRepositorySource(address, storage, options);
  }
  if (zarr) {
    const references = await openReferences(address, storage, options);
    if (references) return references;
    const { openStoreSource } = await import("./store-source.ts");
    return await openStoreSource(address, storage, {
      signal: options.signal,
      authorize: options.authorize?.map(addressOf),
    });
  }
  let empty = true;
  for await (const _ of storage.names(address, options)) {
    empty = false;
    break;
  }
  throw empty
    ? new MoraineError("NotFound", "nothing lies there", { source: typed })
    : new MoraineError("UnknownFormat", "the folder holds neither a repository nor Zarr", { source: typed });
}

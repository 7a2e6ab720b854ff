/**
 * What a scan found in one file, as one document: eight bytes that name the form, the length of the header and the
 * CRC-32C of everything after it (32 bits each), the header (JSON), and the columns of the chunk manifests.
 *
 * @module
 */

import { crc32c } from "../../binary/crc32.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";
import type { FaultyArray, NotedGroup, VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import type { ChunkSource } from "../../zarr/chunk-source.ts";
import { arrayMetadataToShow } from "../../zarr/metadata-v3.ts";
import type { OpenedSource } from "../source.ts";
import { definedMembers, exactJson } from "./exact-json.ts";
import type { MetadataTexts } from "./metadata-texts.ts";
import { encodeManifest, parseVersion, refuse, versionToJson } from "./recorded-manifest.ts";

/** The number at its end changes whenever the form does, or what readers make of a file. */
const FORM = new TextEncoder().encode("morscan2");
const PREFIX = 16;

/** A record's header, and where its columns begin. */
export interface ScanRecord {
  readonly header: JsonObject;
  readonly version: Version;
  readonly address: string;
  readonly format: string;
  /** Byte at which the columns begin. */
  readonly columns: number;
}

/**
 * The record of an opened source; undefined where its metadata could not be given back as they are.
 *
 * @param version that all of it was read from
 */
export async function encodeScan(
  source: OpenedSource,
  version: () => Version | undefined,
  texts: MetadataTexts,
  options: StorageOptions,
): Promise<Uint8Array | undefined> {
  if (source.root.kind !== "group") return undefined;
  const tree = new RecordedTree(texts, options);
  if (!(await tree.enter(source.root))) return undefined;
  const own = version();
  if (own === undefined) return undefined;
  const header = new TextEncoder().encode(
    exactJson({
      address: source.address,
      format: source.format,
      version: versionToJson(own),
      nodes: tree.nodes,
    }),
  );
  const columns = Math.ceil((PREFIX + header.length) / 8) * 8;
  const bytes = new Uint8Array(tree.columns.reduce((sum, part) => sum + part.length, columns));
  bytes.set(FORM);
  bytes.set(header, PREFIX);
  let at = columns;
  for (const part of tree.columns) {
    bytes.set(part, at);
    at += part.length;
  }
  const view = new DataView(bytes.buffer);
  view.setUint32(8, header.length, true);
  view.setUint32(12, crc32c(bytes.subarray(PREFIX)), true);
  return bytes;
}

/** Checks a record and reads its header. Errors: `InvalidMetadata` for one that is torn, or of another form. */
export function parseScan(bytes: Uint8Array): ScanRecord {
  if (bytes.length < PREFIX || FORM.some((byte, at) => bytes[at] !== byte)) throw refuse();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(8, true);
  const sum = view.getUint32(12, true);
  if (PREFIX + length > bytes.length || crc32c(bytes.subarray(PREFIX)) !== sum) throw refuse();
  const header = parseJson(bytes.subarray(PREFIX, PREFIX + length));
  if (!isJsonObject(header)) throw refuse();
  const { address, format } = header;
  const version = parseVersion(header["version"]);
  if (typeof address !== "string" || typeof format !== "string" || version === undefined) throw refuse();
  return { header, version, address, format, columns: Math.ceil((PREFIX + length) / 8) * 8 };
}

/** The nodes of a source as a table: what is reached by several paths stands there once. */
class RecordedTree {
  readonly nodes: JsonValue[] = [];
  readonly columns: Uint8Array[] = [];
  readonly #texts: MetadataTexts;
  readonly #options: StorageOptions;
  readonly #known = new Map<object, number>();
  /** The first view of each group, by its identity. */
  readonly #firsts = new Map<object, number>();
  /** The first array that has certain chunks: another one may be the same with other names of dimensions. */
  readonly #twins = new Map<ChunkSource, number>();
  #size = 0;
  #isFaithful = true;

  constructor(texts: MetadataTexts, options: StorageOptions) {
    this.#texts = texts;
    this.#options = options;
  }

  /** Whether everything could be recorded. */
  async enter(root: NotedGroup): Promise<boolean> {
    await this.#group(root, "");
    return this.#isFaithful;
  }

  async #group(group: NotedGroup, path: string): Promise<number> {
    const known = this.#known.get(group);
    if (known !== undefined) return known;
    const id = this.#reserve(group);
    const first = this.#firsts.get(group.identity);
    if (first === undefined) this.#firsts.set(group.identity, id);
    const children: JsonValue[] = [];
    for (const [name, child] of await group.children(this.#options)) {
      const below = `${path}/${name}`;
      const own =
        child.kind === "group"
          ? await this.#group(child, below)
          : child.kind === "array"
            ? await this.#array(child, below, false)
            : this.#fault(child);
      children.push([name, own]);
    }
    this.nodes[id] = definedMembers({
      kind: "group",
      attributes: group.attributes,
      notes: group.notes,
      links: group.links && [...group.links],
      first,
      children,
    });
    return id;
  }

  async #array(array: VirtualArray, path: string, isStored: boolean): Promise<number> {
    const known = this.#known.get(array);
    if (known !== undefined) return known;
    const id = this.#reserve(array);
    const { barrier } = array;
    const twin = this.#twins.get(array.chunks);
    if (twin === undefined) this.#twins.set(array.chunks, id);
    this.nodes[id] = definedMembers({
      kind: "array",
      path,
      in_file: isStored,
      metadata: this.#metadata(array),
      barrier: barrier && { code: barrier.code, reason: barrier.reason },
      hidden: array.hidden,
      stored_name: array.storedName,
      described: array.described,
      notes: array.notes,
      disputed: array.disputed,
      batch: array.chunks.batch,
      has_manifest: array.manifest !== undefined,
      twin,
      manifest: twin === undefined ? await this.#manifest(array) : undefined,
      stored: array.stored && (await this.#array(array.stored, path, true)),
    });
    return id;
  }

  #metadata({ metadata }: VirtualArray): string {
    try {
      const text = exactJson(arrayMetadataToShow(metadata));
      if (!this.#texts.keeps(text, metadata)) this.#isFaithful = false;
      return text;
    } catch (error) {
      if (!isMoraineError(error)) throw error;
      this.#isFaithful = false;
      return "";
    }
  }

  /** Where its columns are; undefined for one that the file must be asked for again. */
  async #manifest(array: VirtualArray): Promise<JsonValue | undefined> {
    if (array.manifest === undefined || array.barrier !== undefined) return undefined;
    try {
      const { json, bytes } = encodeManifest(await array.manifest(this.#options));
      this.columns.push(bytes);
      this.#size += bytes.length;
      return { ...json, at: this.#size - bytes.length };
    } catch (error) {
      // The array's own fault: it is met again, and told, where the array is looked at.
      if (isMoraineError(error) && error.code !== "Aborted") return undefined;
      throw error;
    }
  }

  #fault(fault: FaultyArray): number {
    const known = this.#known.get(fault);
    if (known !== undefined) return known;
    const id = this.#reserve(fault);
    const { code, message, source, path, offset } = fault.error;
    this.nodes[id] = definedMembers({
      kind: "fault",
      error: definedMembers({ code, message, source, path, offset }),
      shape: fault.shape,
      dimension_names: fault.dimensionNames,
      attributes: fault.attributes,
      hidden: fault.hidden,
      stored_name: fault.storedName,
    });
    return id;
  }

  #reserve(identity: object): number {
    const id = this.nodes.length;
    this.#known.set(identity, id);
    this.nodes.push(null);
    return id;
  }
}

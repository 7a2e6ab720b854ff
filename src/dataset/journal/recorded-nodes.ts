/**
 * The groups and arrays of a recorded scan.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import { isErrorCode, MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { ManifestChunkSource, type ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import type { Barrier, FaultyArray, VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { MetadataTexts } from "./metadata-texts.ts";
import {
  numbersOf,
  parseRecordedManifest,
  type RecordedManifest,
  refuse,
  textOf,
} from "./recorded-manifest.ts";
import type { ScanRecord } from "./scan-record.ts";

/** Gives what a record does not hold in memory. */
export interface RecordedContents {
  /** What loads the columns that begin at a byte of the record. */
  readonly loader: (recorded: RecordedManifest, at: number) => ManifestLoader;
  /** The array as the file itself gives it. */
  readonly array: (path: string, isStored: boolean, options?: StorageOptions) => Promise<VirtualArray>;
}

/** The root group. Errors: `InvalidMetadata`, and those of array metadata. */
export function recordedRoot(
  record: ScanRecord,
  texts: MetadataTexts,
  contents: RecordedContents,
): VirtualGroup {
  const root = new RecordedNodes(record, texts, contents).node(0);
  if (root.kind !== "group") throw refuse();
  return root;
}

class RecordedNodes {
  readonly #record: ScanRecord;
  readonly #texts: MetadataTexts;
  readonly #contents: RecordedContents;
  readonly #nodes: readonly JsonValue[];
  readonly #known = new Map<number, VirtualGroup | VirtualArray | FaultyArray>();

  constructor(record: ScanRecord, texts: MetadataTexts, contents: RecordedContents) {
    const nodes = record.header["nodes"];
    if (!isJsonArray(nodes)) throw refuse();
    this.#record = record;
    this.#texts = texts;
    this.#contents = contents;
    this.#nodes = nodes;
  }

  node(id: number): VirtualGroup | VirtualArray | FaultyArray {
    const known = this.#known.get(id);
    if (known) return known;
    const json = this.#nodes[id];
    if (!isJsonObject(json)) throw refuse();
    if (json["kind"] === "group") return this.#group(id, json);
    const node = json["kind"] === "array" ? this.#array(json) : faultOf(json);
    this.#known.set(id, node);
    return node;
  }

  #group(id: number, json: JsonObject): VirtualGroup {
    const children = new Map<string, VirtualGroup | VirtualArray | FaultyArray>();
    const { links, first, children: members } = json;
    const group: VirtualGroup = {
      kind: "group",
      attributes: objectOf(json["attributes"]),
      children,
      links: links === undefined ? undefined : new Set(textsOf(links)),
      notes: json["notes"] === undefined ? undefined : textsOf(json["notes"]),
      first: first === undefined ? undefined : this.#first(first),
    };
    // Before its children: a hard link may lead from them back to it.
    this.#known.set(id, group);
    if (!isJsonArray(members)) throw refuse();
    for (const member of members) {
      if (!isJsonArray(member) || typeof member[1] !== "number") throw refuse();
      children.set(textOf(member[0]), this.node(member[1]));
    }
    return group;
  }

  /** Known already: views are recorded in the order in which they are met. */
  #first(id: JsonValue): VirtualGroup {
    const group = typeof id === "number" ? this.#known.get(id) : undefined;
    if (group?.kind !== "group") throw refuse();
    return group;
  }

  #array(json: JsonObject): VirtualArray {
    const path = textOf(json["path"]);
    const { loader, array: arrayOfFile } = this.#contents;
    const isStored = json["in_file"] === true;
    const { stored, batch, disputed, notes, manifest } = json;
    const common = {
      kind: "array" as const,
      metadata: this.#texts.parse(textOf(json["metadata"])),
      barrier: barrierOf(json["barrier"]),
      hidden: flagOf(json["hidden"]),
      storedName: optionalText(json["stored_name"]),
      described: flagOf(json["described"]),
      notes: notes === undefined ? undefined : textsOf(notes),
      disputed: optionalText(disputed),
      stored: stored === undefined ? undefined : this.#arrayOf(stored),
    };
    const { twin } = json;
    if (twin !== undefined) {
      const { manifest: shared, chunks } = this.#arrayOf(twin);
      return { ...common, manifest: shared, chunks };
    }
    if (isJsonObject(manifest) && typeof manifest["at"] === "number") {
      const recorded = parseRecordedManifest(manifest);
      const at = this.#record.columns + manifest["at"];
      const load = loader(recorded, at);
      return { ...common, manifest: load, chunks: new ManifestChunkSource(load) };
    }
    const ofFile = (options?: StorageOptions): Promise<VirtualArray> => arrayOfFile(path, isStored, options);
    return {
      ...common,
      manifest: json["has_manifest"] === true ? fromFile(ofFile) : undefined,
      chunks: {
        ...(typeof batch === "number" && { batch }),
        locate: async (coordinates, count, options) =>
          (await ofFile(options)).chunks.locate(coordinates, count, options),
      },
    };
  }

  #arrayOf(id: JsonValue): VirtualArray {
    const node = typeof id === "number" ? this.node(id) : undefined;
    if (node?.kind !== "array") throw refuse();
    return node;
  }
}

function fromFile(
  ofFile: (options?: StorageOptions) => Promise<VirtualArray>,
): (options?: StorageOptions) => Promise<ChunkManifest> {
  return async (options) => {
    const manifest = await (await ofFile(options)).manifest?.(options);
    if (manifest === undefined) throw refuse();
    return manifest;
  };
}

function faultOf(json: JsonObject): FaultyArray {
  const { error, shape, dimension_names: names, attributes } = json;
  if (!isJsonObject(error)) throw refuse();
  const { offset } = error;
  return {
    kind: "fault",
    error: new MoraineError(codeOf(error["code"]), textOf(error["message"]), {
      source: optionalText(error["source"]),
      path: optionalText(error["path"]),
      offset: typeof offset === "number" ? offset : undefined,
    }),
    shape: shape === undefined ? undefined : numbersOf(shape),
    dimensionNames: isJsonArray(names)
      ? names.map((name) => (name === null ? null : textOf(name)))
      : undefined,
    attributes: attributes === undefined ? undefined : objectOf(attributes),
    hidden: flagOf(json["hidden"]),
    storedName: optionalText(json["stored_name"]),
  };
}

function barrierOf(json: JsonValue | undefined): Barrier | undefined {
  if (json === undefined) return undefined;
  const { code, reason } = objectOf(json);
  return { code: codeOf(code), reason: textOf(reason) };
}

function codeOf(json: JsonValue | undefined): Barrier["code"] {
  const code = textOf(json);
  if (!isErrorCode(code)) throw refuse();
  return code;
}

function objectOf(json: JsonValue | undefined): JsonObject {
  if (!isJsonObject(json)) throw refuse();
  return json;
}

function textsOf(json: JsonValue | undefined): string[] {
  if (!isJsonArray(json)) throw refuse();
  return json.map(textOf);
}

function optionalText(json: JsonValue | undefined): string | undefined {
  return json === undefined ? undefined : textOf(json);
}

function flagOf(json: JsonValue | undefined): boolean | undefined {
  return typeof json === "boolean" ? json : undefined;
}

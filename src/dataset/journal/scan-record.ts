/**
 * What a scan found in one file, as one document: eight bytes that name the form, the length of the header and the
 * CRC-32C of everything after it (32 bits each), the header (JSON), and the columns of the chunk manifests and the
 * values of small arrays.
 *
 * @module
 */

import { crc32c } from "../../binary/crc32.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../binary/json.ts";
import { isErrorCode, isMoraineError } from "../../errors.ts";
import type { Barrier } from "../../manifest/virtual-group.ts";
import { arrayMetadataToShow } from "../../zarr/metadata-v3.ts";
import { definedMembers, exactJson } from "./exact-json.ts";
import type { MetadataTexts } from "./metadata-texts.ts";
import {
  encodeManifest,
  numbersOf,
  parseRecordedManifest,
  parseVersion,
  type RecordedManifest,
  refuse,
  textOf,
  versionToJson,
} from "./recorded-manifest.ts";
import {
  isScannedFormat,
  type ScannedArray,
  type ScannedFault,
  type ScannedFile,
  type ScannedGroup,
  type ScannedNode,
} from "./scanned-file.ts";

/** The number at its end changes whenever the form does, or what readers make of a file. */
const FORM = new TextEncoder().encode("morscan3");
const PREFIX = 16;

/** The record of a file; undefined where its metadata could not be given back as they are. */
export function encodeScan(scanned: ScannedFile, texts: MetadataTexts): Uint8Array | undefined {
  const columns = new Columns();
  const nodes: JsonValue[] = [];
  for (const node of scanned.nodes) {
    const json =
      node.kind === "group"
        ? groupToJson(node)
        : node.kind === "array"
          ? arrayToJson(node, columns, texts)
          : faultToJson(node);
    if (json === undefined) return undefined;
    nodes.push(json);
  }
  const { address, format, version } = scanned;
  const header = new TextEncoder().encode(
    exactJson({ address, format, version: versionToJson(version), nodes }),
  );
  const start = Math.ceil((PREFIX + header.length) / 8) * 8;
  const bytes = new Uint8Array(start + columns.size);
  bytes.set(FORM);
  bytes.set(header, PREFIX);
  columns.writeTo(bytes.subarray(start));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, header.length, true);
  view.setUint32(12, crc32c(bytes.subarray(PREFIX)), true);
  return bytes;
}

/** Stretches of bytes behind each other, each beginning at a multiple of eight. */
class Columns {
  size = 0;
  readonly #parts: Uint8Array[] = [];

  /** @returns where it begins */
  add(bytes: Uint8Array): number {
    const at = this.size;
    this.#parts.push(bytes);
    this.size += Math.ceil(bytes.length / 8) * 8;
    return at;
  }

  writeTo(target: Uint8Array): void {
    let at = 0;
    for (const part of this.#parts) {
      target.set(part, at);
      at += Math.ceil(part.length / 8) * 8;
    }
  }
}

function groupToJson({ attributes, notes, links, children, first }: ScannedGroup): JsonObject {
  return definedMembers({ kind: "group", attributes, notes, links, children, first });
}

function arrayToJson(array: ScannedArray, columns: Columns, texts: MetadataTexts): JsonObject | undefined {
  const metadata = metadataText(array, texts);
  if (metadata === undefined) return undefined;
  const { barrier, manifest, values } = array;
  const recorded = manifest && encodeManifest(manifest);
  return definedMembers({
    kind: "array",
    path: array.path,
    in_file: array.isStored,
    metadata,
    barrier: barrier && { code: barrier.code, reason: barrier.reason },
    hidden: array.hidden,
    stored_name: array.storedName,
    described: array.described,
    notes: array.notes,
    disputed: array.disputed,
    batch: array.batch,
    has_manifest: array.hasManifest,
    manifest: recorded && { ...recorded.json, at: columns.add(recorded.bytes) },
    values: values && [columns.add(values), values.length],
    stored: array.stored,
    twin: array.twin,
  });
}

function metadataText({ metadata }: ScannedArray, texts: MetadataTexts): string | undefined {
  try {
    const text = exactJson(arrayMetadataToShow(metadata));
    return texts.keeps(text, metadata) ? text : undefined;
  } catch (error) {
    if (isMoraineError(error)) return undefined;
    throw error;
  }
}

function faultToJson(fault: ScannedFault): JsonObject {
  const { code, message, source, path, offset } = fault.error;
  return definedMembers({
    kind: "fault",
    error: definedMembers({ code, message, source, path, offset }),
    shape: fault.shape,
    dimension_names: fault.dimensionNames,
    attributes: fault.attributes,
    hidden: fault.hidden,
    stored_name: fault.storedName,
  });
}

/**
 * Checks a record and reads its header; the manifests stay where they are in `bytes`.
 *
 * Errors: `InvalidMetadata` for one that is torn, of another form, or contradicts itself; those of array metadata.
 */
export function parseScan(bytes: Uint8Array, texts: MetadataTexts): ScannedFile<RecordedManifest> {
  if (bytes.length < PREFIX || FORM.some((byte, at) => bytes[at] !== byte)) throw refuse();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(8, true);
  const sum = view.getUint32(12, true);
  if (PREFIX + length > bytes.length || crc32c(bytes.subarray(PREFIX)) !== sum) throw refuse();
  const header = parseJson(bytes.subarray(PREFIX, PREFIX + length));
  if (!isJsonObject(header)) throw refuse();
  const { format, nodes } = header;
  const version = parseVersion(header["version"]);
  if (version === undefined || !isScannedFormat(format) || !isJsonArray(nodes)) throw refuse();
  const parser = new NodeParser(bytes, Math.ceil((PREFIX + length) / 8) * 8, texts);
  return {
    address: textOf(header["address"]),
    format,
    version,
    nodes: nodes.map((json) => parser.node(json)),
  };
}

class NodeParser {
  readonly #bytes: Uint8Array;
  readonly #columns: number;
  readonly #texts: MetadataTexts;

  constructor(bytes: Uint8Array, columns: number, texts: MetadataTexts) {
    this.#bytes = bytes;
    this.#columns = columns;
    this.#texts = texts;
  }

  node(json: JsonValue): ScannedNode<RecordedManifest> {
    if (!isJsonObject(json)) throw refuse();
    if (json["kind"] === "group") return groupOf(json);
    if (json["kind"] === "array") return this.#array(json);
    if (json["kind"] === "fault") return faultOf(json);
    throw refuse();
  }

  #array(json: JsonObject): ScannedArray<RecordedManifest> {
    const { batch, disputed, notes, manifest, values, stored, twin } = json;
    return {
      kind: "array",
      path: textOf(json["path"]),
      isStored: json["in_file"] === true,
      metadata: this.#texts.parse(textOf(json["metadata"])),
      barrier: barrierOf(json["barrier"]),
      hidden: flagOf(json["hidden"]),
      storedName: optionalText(json["stored_name"]),
      described: flagOf(json["described"]),
      notes: notes === undefined ? undefined : textsOf(notes),
      disputed: optionalText(disputed),
      batch: typeof batch === "number" ? batch : undefined,
      hasManifest: json["has_manifest"] === true,
      manifest: manifest === undefined ? undefined : this.#manifest(manifest),
      values: values === undefined ? undefined : this.#values(values),
      stored: stored === undefined ? undefined : numberOf(stored),
      twin: twin === undefined ? undefined : numberOf(twin),
    };
  }

  #manifest(json: JsonValue): RecordedManifest {
    const recorded = parseRecordedManifest(json, this.#columns);
    if (recorded.at + recorded.bytes > this.#bytes.length) throw refuse();
    return recorded;
  }

  #values(json: JsonValue): Uint8Array {
    const [at, length] = numbersOf(json);
    if (at === undefined || length === undefined || !(at >= 0 && length >= 0)) throw refuse();
    const from = this.#columns + at;
    if (!(from + length <= this.#bytes.length)) throw refuse();
    return this.#bytes.slice(from, from + length);
  }
}

function groupOf(json: JsonObject): ScannedGroup {
  const { links, notes, children, first } = json;
  if (!isJsonArray(children)) throw refuse();
  return {
    kind: "group",
    attributes: objectOf(json["attributes"]),
    notes: notes === undefined ? undefined : textsOf(notes),
    links: links === undefined ? undefined : textsOf(links),
    children: children.map((member): [string, number] => {
      if (!isJsonArray(member) || typeof member[1] !== "number") throw refuse();
      return [textOf(member[0]), member[1]];
    }),
    first: first === undefined ? undefined : numberOf(first),
  };
}

function faultOf(json: JsonObject): ScannedFault {
  const { error, shape, dimension_names: names, attributes } = json;
  if (!isJsonObject(error)) throw refuse();
  const { offset } = error;
  return {
    kind: "fault",
    error: {
      code: codeOf(error["code"]),
      message: textOf(error["message"]),
      source: optionalText(error["source"]),
      path: optionalText(error["path"]),
      offset: typeof offset === "number" ? offset : undefined,
    },
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

function numberOf(json: JsonValue): number {
  if (typeof json !== "number") throw refuse();
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

/**
 * What the elements of a dataset become in Zarr, and how a chunk of them gets there.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import type { CodecSpecification } from "../../codecs/codec.ts";
import { encodeTexts } from "../../codecs/variable-length.ts";
import { type DataType, itemSize } from "../../data-types/data-type.ts";
import type { Barrier } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { Dataset } from "./dataset.ts";
import type { Datatype } from "./datatype.ts";
import { elementForm } from "./decoding/element-form.ts";
import type { ElementForm } from "./decoding/simple-form.ts";
import { elementReader } from "./element-value.ts";
import { HeapObjects, usesHeap } from "./heap-objects.ts";
import type { ChunkConversion } from "./stored-chunks.ts";

export interface Conversion {
  readonly dataType: DataType;
  /** Encodes what {@link convert} gives; where `barrier` is undefined, what is stored too. */
  readonly serializer: CodecSpecification;
  /** The form of elements that were decoded: little-endian, packed. */
  readonly decoded: {
    readonly serializer: CodecSpecification;
    /** Bytes of an element, of texts a guess. */
    readonly elementSize: number;
  };
  /** Why the stored elements are not what the serializer makes. */
  readonly barrier: Barrier | undefined;
  /** Values that are described in text because Zarr has no type for them. */
  readonly described: boolean;
  readonly notes: readonly string[];
  /** From the stored elements of a chunk to its encoded form, without filters. */
  readonly convert: ChunkConversion;
  /** The fill value from one stored element. */
  readonly fillValue: (element: Uint8Array, options?: StorageOptions) => Promise<Uint8Array>;
}

const UTF8 = new TextEncoder();

/** Errors: `UnsupportedDataType` */
export function conversionOf({ datatype, object }: Dataset): Conversion {
  const form = elementForm(datatype);
  return form ? fixedConversion(datatype, form) : textConversion(datatype, object.in);
}

function fixedConversion(datatype: Datatype, form: ElementForm): Conversion {
  const convert: ChunkConversion = (stored) => {
    const count = Math.floor(stored.length / datatype.size);
    const converted = new Uint8Array(count * form.size);
    form.convert(stored, 0, datatype.size, count, converted, 0, form.size);
    return converted;
  };
  return {
    dataType: form.dataType,
    serializer: bytesCodec(form.dataType, form.order === "big" ? "big" : "little"),
    decoded: { serializer: decodedSerializer(form.dataType), elementSize: form.size },
    barrier:
      form.order === undefined
        ? {
            code: "UnsupportedDataType",
            reason: form.reason ?? `${datatype.class} elements are stored in a form that Zarr cannot say`,
          }
        : undefined,
    described: false,
    notes: [],
    convert,
    fillValue: async (element) => {
      const value = new Uint8Array(form.size);
      form.convert(element, 0, datatype.size, 1, value, 0, form.size);
      return value;
    },
  };
}

/** Encodes decoded elements: little-endian, packed. */
export function decodedSerializer(dataType: DataType): CodecSpecification {
  return dataType.name === "string" ? { name: "vlen-utf8" } : bytesCodec(dataType, "little");
}

function bytesCodec(dataType: DataType, endian: "little" | "big"): CodecSpecification {
  return needsOrder(dataType) ? { name: "bytes", configuration: { endian } } : { name: "bytes" };
}

function needsOrder(dataType: DataType): boolean {
  switch (dataType.name) {
    case "struct":
      return true;
    case "raw_bytes":
    case "null_terminated_bytes":
      return false;
    default:
      return (itemSize(dataType) ?? 1) > 1;
  }
}

/** Strings of variable length as they are; anything else as its JSON text. */
function textConversion(datatype: Datatype, graphFile: Dataset["object"]["in"]): Conversion {
  const { file, paths } = graphFile;
  const isText = datatype.class === "variable-string";
  const texts = async (stored: Uint8Array, options: StorageOptions | undefined): Promise<string[]> => {
    const heap = new HeapObjects(file);
    const count = Math.floor(stored.length / datatype.size);
    await heap.load([{ datatype, bytes: stored, count }], options);
    const read = elementReader(datatype, { heap, pathOf: (address) => paths.get(address) });
    return Array.from({ length: count }, (_, i) => {
      const value = read(stored, i * datatype.size);
      return typeof value === "string" ? value : stringifyJson(value);
    });
  };
  // Refuses what cannot be read before anybody asks for values.
  elementReader(datatype, { heap: new HeapObjects(file), pathOf: () => undefined });
  return {
    dataType: { name: "string" },
    serializer: { name: "vlen-utf8" },
    decoded: { serializer: { name: "vlen-utf8" }, elementSize: datatype.size },
    barrier: { code: "UnsupportedDataType", reason: reasonOf(datatype) },
    described: !isText,
    notes: isText || datatype.class === "reference" ? [] : ["each element is given as JSON text"],
    convert: async (stored, options) => encodeTexts(await texts(stored, options)),
    fillValue: async (element, options) => UTF8.encode((await texts(element, options))[0] ?? ""),
  };
}

function reasonOf(datatype: Datatype): string {
  switch (datatype.class) {
    case "variable-string":
      return "strings of variable length lie in the file's global heap";
    case "sequence":
      return "sequences of variable length (ragged arrays) have no Zarr data type";
    case "reference":
      return "references have no Zarr data type; their paths are given";
    default:
      return usesHeap(datatype)
        ? `a ${datatype.class} datatype with members of variable length has no Zarr data type`
        : `a ${datatype.class} datatype with references has no Zarr data type`;
  }
}

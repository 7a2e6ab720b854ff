/**
 * The reader of NetCDF classic files: CDF-1, CDF-2 (64-bit offsets) and CDF-5 (64-bit data).
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { Reader } from "../reader.ts";
import { convertAttributes, fillValueOf } from "./attributes.ts";
import { formatVersion, type Header, type Variable } from "./header.ts";
import { type HeaderBlock, readHeader } from "./header-block.ts";
import { computeLayout, type Layout, type VariableLayout } from "./layout.ts";
import { VariableChunks } from "./variable-chunks.ts";

/**
 * Reads classic files. A record variable has a chunk for each record, a fixed variable a single one; values
 * are big-endian, characters fixed strings of one byte.
 *
 * Errors of `open`: `CorruptFile`, `TruncatedFile` (in the header), `NumberTooLarge`, `LimitExceeded`. A variable
 * whose values the file does not hold any more is a faulty array with `TruncatedFile`.
 */
export const netcdf3: Reader = {
  name: "netcdf3",
  matches: (head) => formatVersion(head) !== undefined,
  async open(address, storage, options): Promise<VirtualGroup> {
    const block = await readHeader(address, storage, options);
    const layout = computeLayout(block.header, address, block.fileSize);
    const { attributes, notes } = convertAttributes(block.header.attributes);
    const children = new Map<string, VirtualArray | FaultyArray>();
    const names = viewNames(block.header.variables);
    for (const variable of layout.variables) {
      const { name } = variable.variable;
      const viewed = names.get(name) ?? name;
      const array = arrayOf(address, block, layout, variable);
      children.set(viewed, viewed === name ? array : { ...array, storedName: name });
    }
    const streamed =
      block.header.recordCount === undefined && layout.variables.some(({ isRecord }) => isRecord)
        ? [`the header does not count the records: the size of the file tells ${layout.recordCount}`]
        : [];
    return { kind: "group", attributes, children, notes: [...notes, ...streamed] };
  },
};

/** The names of variables by those in the file. Old libraries took names with slashes, which part paths here. */
function viewNames(variables: readonly Variable[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set(variables.map(({ name }) => name));
  for (const { name } of variables) {
    if (!name.includes("/")) continue;
    let viewed = name.replaceAll("/", "_");
    while (taken.has(viewed)) viewed += "_";
    taken.add(viewed);
    names.set(name, viewed);
  }
  return names;
}

function arrayOf(
  address: string,
  { header, version }: HeaderBlock,
  layout: Layout,
  { variable, shape, isRecord, size, fault, unwritten }: VariableLayout,
): VirtualArray | FaultyArray {
  if (fault) return { kind: "fault", error: fault, shape };
  const chunkShape = shape.map((length, axis) => (isRecord && axis === 0 ? 1 : length));
  const { attributes, notes } = convertAttributes(variable.attributes, variable);
  const metadata: ArrayMetadata = {
    shape,
    dataType: variable.type.dataType,
    chunkGrid: { name: "regular", chunkShape },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: unwritten ? new Uint8Array(variable.type.size) : fillValueOf(variable),
    codecs: [bytesCodec(variable.type.size)],
    dimensionNames: dimensionNames(header, variable.dimensions),
    attributes,
  };
  const gridShape = shape.map((length, axis) => (isRecord && axis === 0 ? length : 1));
  const chunks = new VariableChunks(
    gridShape,
    { location: address, version },
    { begin: variable.begin, stride: layout.recordSize, size, stored: !unwritten },
  );
  const nothing = unwritten
    ? ["the file ends with its header: nothing was written, which reads as zero"]
    : [];
  const renamed = variable.name.includes("/") ? [`the file calls it "${variable.name}"`] : [];
  return {
    kind: "array",
    metadata,
    chunks,
    manifest: () => chunks.manifest(),
    notes: [...notes, ...nothing, ...renamed],
    disputed:
      isRecord && header.recordCount === undefined ? "the header does not count the records" : undefined,
  };
}

function bytesCodec(size: number): CodecSpecification {
  return size === 1 ? { name: "bytes" } : { name: "bytes", configuration: { endian: "big" } };
}

function dimensionNames(header: Header, dimensions: readonly number[]): string[] {
  return dimensions.map((index) => header.dimensions[index]?.name ?? "");
}

import { readdirSync, readFileSync } from "node:fs";
import { itemSize } from "../../../src/data-types/data-type.ts";
import type { ChunkManifest } from "../../../src/manifest/chunk-manifest.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../../../src/manifest/virtual-group.ts";
import { netcdf3 } from "../../../src/readers/netcdf3/netcdf3.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";

const FOLDER = new URL("../../data/netcdf3/", import.meta.url);

export const classicFiles: readonly string[] = readdirSync(FOLDER).filter((name) => name.endsWith(".nc"));

export function readClassicFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

export interface ExpectedVariable {
  readonly dimensions: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly values: readonly unknown[];
}

/** What netCDF4-python reads (scripts/make-netcdf3-data.py). */
export const expectedFiles: Readonly<
  Record<
    string,
    {
      readonly refused?: boolean;
      readonly attributes: Readonly<Record<string, unknown>>;
      readonly variables: Readonly<Record<string, ExpectedVariable>>;
    }
  >
> = JSON.parse(readFileSync(new URL("expected.json", FOLDER), "utf8"));

/** Opens bytes as a file. */
export async function openBytes(bytes: Uint8Array): Promise<VirtualGroup> {
  const storage = new MemoryStorage();
  await storage.write("memory://classic/file.nc", bytes);
  return netcdf3.open("memory://classic/file.nc", storage);
}

export function arrayNamed(group: VirtualGroup, name: string): VirtualArray {
  const node: VirtualGroup | VirtualArray | FaultyArray | undefined = group.children.get(name);
  if (node?.kind !== "array") throw new Error(`${name} is no array`);
  return node;
}

/** Values in the JSON form of expected.json, decoded here and not by the code under test. */
export async function valuesOf(array: VirtualArray, file: Uint8Array): Promise<unknown[]> {
  const { metadata } = array;
  const manifest = await array.manifest?.();
  if (manifest === undefined) throw new Error("no manifest");
  const size = itemSize(metadata.dataType) ?? 0;
  const bytes = concatenated(manifest, file);
  const littleEndian = metadata.codecs[0]?.configuration?.["endian"] !== "big";
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / size }, (_, index) => {
    const at = index * size;
    switch (metadata.dataType.name) {
      case "int8":
        return view.getInt8(at);
      case "uint8":
        return view.getUint8(at);
      case "null_terminated_bytes":
        return String.fromCharCode(view.getUint8(at)).replace("\0", "");
      case "int16":
        return view.getInt16(at, littleEndian);
      case "uint16":
        return view.getUint16(at, littleEndian);
      case "int32":
        return view.getInt32(at, littleEndian);
      case "uint32":
        return view.getUint32(at, littleEndian);
      case "int64":
        return Number(view.getBigInt64(at, littleEndian));
      case "uint64":
        return Number(view.getBigUint64(at, littleEndian));
      case "float32":
        return view.getFloat32(at, littleEndian);
      case "float64":
        return view.getFloat64(at, littleEndian);
      default:
        throw new Error(metadata.dataType.name);
    }
  });
}

function concatenated(manifest: ChunkManifest, file: Uint8Array): Uint8Array {
  const parts = Array.from({ length: manifest.count }, (_, entry) => {
    const offset = manifest.offsets[entry] ?? 0;
    const part = file.subarray(offset, offset + (manifest.lengths[entry] ?? 0));
    if (part.length !== manifest.lengths[entry]) throw new Error("a reference reaches beyond the file");
    return part;
  });
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

import { NetCDFReader } from "netcdfjs";
import { describe, expect, it } from "vitest";
import { isMoraineError, type MoraineError } from "../../../src/errors.ts";
import { netcdf3 } from "../../../src/readers/netcdf3/netcdf3.ts";
import { HEAD_BYTES } from "../../../src/readers/reader.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import type { ByteRange, ReadOptions, ReadResult } from "../../../src/storage/storage.ts";
import {
  arrayNamed,
  classicFiles,
  expectedFiles,
  openBytes,
  readClassicFile,
  valuesOf,
} from "./classic-files.ts";

const readable = classicFiles.filter((name) => expectedFiles[name]?.refused !== true);
const DATA_TYPES: Readonly<Record<string, string>> = { "|S1": "null_terminated_bytes" };

/** The form in which expected.json holds numbers that JSON or JavaScript cannot. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && Number.isNaN(value)) return "nan";
  if (typeof value === "number" && !Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

async function refusal(bytes: Uint8Array): Promise<MoraineError> {
  try {
    await openBytes(bytes);
  } catch (error) {
    if (isMoraineError(error)) return error;
    throw error;
  }
  throw new Error("was opened");
}

function bigEndian(size: 4 | 8, value: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  if (size === 8) view.setBigUint64(0, BigInt(value));
  else view.setUint32(0, value);
  return bytes;
}

function joined(...parts: (Uint8Array | string | number)[]): Uint8Array {
  const pieces = parts.map((part) =>
    typeof part === "number"
      ? bigEndian(4, part)
      : typeof part === "string"
        ? new TextEncoder().encode(part)
        : part,
  );
  return new Uint8Array(Buffer.concat(pieces));
}

/** A CDF-2 header: dimension `t` of records, `x` of a length, and float variables at given offsets. */
function cdf2(records: number, width: number, variables: [name: string, record: boolean, begin: number][]) {
  return joined(
    joined("CDF\u0002", records, 10, 2, 1, "t\0\0\0", 0, 1, "x\0\0\0", width, 0, 0, 11, variables.length),
    ...variables.map(([name, record, begin]) =>
      joined(1, `${name}\0\0\0`, record ? 2 : 1, ...(record ? [0] : []), 1, 0, 0, 5, 0, bigEndian(8, begin)),
    ),
  );
}

/** A file that is larger than its bytes: nothing is read beyond the header. */
class LongFile extends MemoryStorage {
  readonly reads: number[] = [];
  readonly #header: Uint8Array;
  readonly #size: number;

  constructor(header: Uint8Array, size: number) {
    super();
    this.#header = header;
    this.#size = size;
  }

  override head() {
    return Promise.resolve({ size: this.#size, etag: "long" });
  }

  override read(_address: string, ranges: readonly ByteRange[], _options?: ReadOptions): Promise<ReadResult> {
    const parts = ranges.map(({ offset, length = 0 }) => {
      this.reads.push(length);
      const bytes = new Uint8Array(length);
      bytes.set(this.#header.subarray(offset, offset + length));
      return bytes;
    });
    return Promise.resolve({ parts, version: { size: this.#size } });
  }
}

describe.each(readable)("%s", (name) => {
  it("has the arrays, names, attributes and values that netCDF4-python reads", async () => {
    const expected = expectedFiles[name];
    const file = readClassicFile(name);
    const group = await openBytes(file);
    expect(Object.keys(group.attributes).sort()).toEqual(Object.keys(expected?.attributes ?? {}));
    for (const [key, value] of Object.entries(expected?.attributes ?? {})) {
      expect(plain(group.attributes[key]), key).toEqual(one(value));
    }
    expect([...group.children.keys()].sort()).toEqual(Object.keys(expected?.variables ?? {}).sort());
    for (const [path, variable] of Object.entries(expected?.variables ?? {})) {
      const array = arrayNamed(group, path);
      expect(array.metadata.shape, path).toEqual(variable.shape);
      expect(array.metadata.dimensionNames, path).toEqual(variable.dimensions);
      expect(array.metadata.dataType.name, path).toBe(DATA_TYPES[variable.dtype] ?? variable.dtype);
      for (const [key, value] of Object.entries(variable.attributes)) {
        if (key !== "_FillValue")
          expect(plain(array.metadata.attributes[key]), `${path}@${key}`).toEqual(one(value));
      }
      if (name !== "header-only.nc")
        expect(plain(await valuesOf(array, file)), path).toEqual(variable.values);
    }
  });
});

/** A list of one number is a number. */
function one(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

it("gives a variable whose name has slashes another one, and tells its own", async () => {
  const array = arrayNamed(await openBytes(readClassicFile("slashes.nc")), "v_w");
  expect(array.storedName).toBe("v/w");
  expect(array.notes).toEqual(['the file calls it "v/w"']);
});

describe("refuses what netCDF-C refuses", () => {
  it.each(classicFiles.filter((name) => expectedFiles[name]?.refused))("%s", async (name) => {
    const error = await refusal(readClassicFile(name));
    expect(error.code).toBe(name === "bad-truncated-header.nc" ? "TruncatedFile" : "CorruptFile");
    expect(error.source).toBe("memory://classic/file.nc");
    expect(error.offset).toBeTypeOf("number");
  });

  it("a file whose variables overlap", async () => {
    const header = cdf2(0, 8, [
      ["a", false, 400],
      ["b", false, 416],
    ]);
    expect((await refusal(joined(header, new Uint8Array(400)))).message).toContain('"a" overlaps');
  });

  it("two variables of one name", async () => {
    const header = cdf2(0, 1, [
      ["a", false, 400],
      ["a", false, 404],
    ]);
    expect((await refusal(joined(header, new Uint8Array(400)))).message).toContain("two variables");
  });
});

describe("the layout", () => {
  it("has a chunk for each record, at the distance of the padded records", async () => {
    const group = await openBytes(readClassicFile("cdf1-types.nc"));
    const bytes = await arrayNamed(group, "record_i1").manifest?.();
    const shorts = await arrayNamed(group, "record_i2").manifest?.();
    expect(bytes?.gridShape).toEqual([3, 1]);
    expect([...(bytes?.lengths ?? [])]).toEqual([3, 3, 3]);
    // i1 4 + 4, S1 4 + 4, i2 8 + 4, i4 12 + 4, f4 12 + 4, f8 24 + 8
    expect((bytes?.offsets[1] ?? 0) - (bytes?.offsets[0] ?? 0)).toBe(92);
    expect((shorts?.offsets[2] ?? 0) - (shorts?.offsets[0] ?? 0)).toBe(184);
  });

  it("does not pad the records of a single record variable", async () => {
    const manifest = await arrayNamed(
      await openBytes(readClassicFile("cdf1-lone-byte.nc")),
      "lone",
    ).manifest?.();
    const [first = 0] = manifest?.offsets ?? [];
    expect(Array.from(manifest?.offsets ?? [], (offset) => offset - first)).toEqual([0, 3, 6, 9]);
  });

  it("finds chunks without a manifest where the manifest says", async () => {
    const array = arrayNamed(await openBytes(readClassicFile("cdf2-types.nc")), "record_f8");
    const manifest = await array.manifest?.();
    const places = await array.chunks.locate(Uint32Array.of(2, 0, 0, 0), 2);
    expect([...places.offsets]).toEqual([manifest?.offsets[2], manifest?.offsets[0]]);
    expect([...places.lengths]).toEqual([24, 24]);
  });

  it("reaches beyond 4 GiB, with records larger than 2 GiB", async () => {
    const width = 600_000_000;
    const begin = 2 ** 33;
    const header = cdf2(3, width, [
      ["a", true, begin],
      ["b", true, begin + width * 4],
    ]);
    const storage = new LongFile(header, begin + 3 * 2 * width * 4);
    const group = await netcdf3.open("memory://long", storage);
    const manifest = await arrayNamed(group, "b").manifest?.();
    expect([...(manifest?.offsets ?? [])]).toEqual([0, 1, 2].map((i) => begin + width * 4 * (1 + 2 * i)));
  });

  it("counts a record whose padding is missing at the end of a streamed file", async () => {
    const whole = readClassicFile("cdf1-streaming.nc");
    const group = await openBytes(whole);
    expect(arrayNamed(group, "series_f8").metadata.shape).toEqual([3]);
    const shorter = await openBytes(whole.subarray(0, whole.length - 1));
    expect(arrayNamed(shorter, "series_f8").metadata.shape).toEqual([2]);
    expect(shorter.notes?.join()).toContain("does not count the records");
  });

  it("reads zeros where the file ends with its header, and says so", async () => {
    const array = arrayNamed(await openBytes(readClassicFile("header-only.nc")), "v");
    expect((await array.manifest?.())?.count).toBe(0);
    expect([...array.metadata.fillValue]).toEqual([0, 0, 0, 0]);
    expect(array.notes).toHaveLength(1);
  });

  it("keeps the whole variables of a file that was cut off, and names the others", async () => {
    const whole = readClassicFile("cdf1-types.nc");
    const group = await openBytes(whole.subarray(0, whole.length - 100));
    const fault = group.children.get("record_f8");
    expect(fault?.kind === "fault" && fault.error.code).toBe("TruncatedFile");
    expect(fault?.kind === "fault" && fault.error.path).toBe("/record_f8");
    expect(group.children.get("fixed_f8")?.kind).toBe("array");
  });
});

describe("attributes and fill values", () => {
  it("gives _FillValue as xarray keeps it beside Zarr, and its bytes as the fill value", async () => {
    const group = await openBytes(readClassicFile("cdf1-attributes.nc"));
    const float = arrayNamed(group, "fill_f4");
    // struct.pack("<d", -999.5) in base64
    expect(float.metadata.attributes["_FillValue"]).toBe("AAAAAAA8j8A=");
    expect(new DataView(float.metadata.fillValue.buffer).getFloat32(0, true)).toBe(-999.5);
    expect(arrayNamed(group, "fill_f8").metadata.attributes["_FillValue"]).toBe("AAAAAAAA+H8=");
    expect(arrayNamed(group, "fill_i2").metadata.attributes["_FillValue"]).toBe(-99);
    const text = arrayNamed(group, "text");
    expect(text.metadata.attributes).toEqual({ long_name: "characters" });
    expect(text.metadata.fillValue).toEqual(new TextEncoder().encode("-"));
    expect(text.notes?.join()).toContain("_FillValue");
  });

  it("has the library's default fill values where the file gives none", async () => {
    const group = await openBytes(readClassicFile("cdf5-types.nc"));
    const fill = (name: string) => {
      const { fillValue } = arrayNamed(group, name).metadata;
      return new DataView(fillValue.buffer, fillValue.byteOffset);
    };
    expect(fill("fixed_i1").getInt8(0)).toBe(-127);
    expect(fill("fixed_i2").getInt16(0, true)).toBe(-32767);
    expect(fill("fixed_i8").getBigInt64(0, true)).toBe(-9223372036854775806n);
    expect(fill("fixed_f8").getFloat64(0, true)).toBe(9.969209968386869e36);
  });

  it("says which text is not UTF-8", async () => {
    const array = arrayNamed(await openBytes(readClassicFile("latin-1.nc")), "v");
    expect(array.notes).toEqual(["the text of attribute units is not UTF-8; its other bytes became U+FFFD"]);
  });
});

describe("the header is read in few requests", () => {
  it("in one for a short header, whatever the size of the file", async () => {
    const storage = new LongFile(cdf2(0, 4, [["a", false, 2 ** 20]]), 2 ** 40);
    await netcdf3.open("memory://long", storage);
    expect(storage.reads).toEqual([HEAD_BYTES]);
  });

  it("in a few for a long one", async () => {
    const text = 3_000_000;
    const attribute = joined(12, 1, 1, "a\0\0\0", 2, text, new Uint8Array(text).fill(65));
    const header = joined("CDF\u0001", 0, 0, 0, attribute, 0, 0);
    const storage = new LongFile(header, 2 ** 40);
    const group = await netcdf3.open("memory://long", storage);
    expect(group.attributes["a"]).toBe("A".repeat(text));
    expect(storage.reads).toEqual([HEAD_BYTES, 8 * HEAD_BYTES, 64 * HEAD_BYTES]);
  });

  it("and never more than 32 MiB of it", async () => {
    const header = joined("CDF\u0001", 0, 0, 0, 12, 1, 1, "a\0\0\0", 2, 2 ** 31 - 1);
    const storage = new LongFile(header, 2 ** 40);
    await expect(netcdf3.open("memory://long", storage)).rejects.toMatchObject({ code: "LimitExceeded" });
    expect(Math.max(...storage.reads)).toBe(2 ** 25);
  });
});

describe("netcdfjs as a second witness", () => {
  it.each(["cdf1-types.nc", "cdf2-types.nc", "cdf1-attributes.nc"])("%s", async (name) => {
    const file = readClassicFile(name);
    const group = await openBytes(file);
    const other = new NetCDFReader(file);
    for (const variable of other.variables) {
      const array = arrayNamed(group, variable.name);
      const manifest = await array.manifest?.();
      expect(manifest?.offsets[0], variable.name).toBe(variable.offset);
      // It gives the padding of 1- and 2-byte values as values, and bytes as unsigned.
      if (variable.type !== "int" && variable.type !== "float" && variable.type !== "double") continue;
      const values = other.getDataVariable(variable.name).flat();
      expect(await valuesOf(array, file), variable.name).toEqual(values);
    }
  });
});

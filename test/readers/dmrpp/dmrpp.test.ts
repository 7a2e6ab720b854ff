import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { get, index, type JsonObject, open, verify } from "../../../src/node.ts";
import { dmrpp } from "../../../src/readers/dmrpp/dmrpp.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { digestsOf } from "../../dataset/contents.ts";

const FOLDER = new URL("../../data/dmrpp/", import.meta.url);
const file = (name: string) => fileURLToPath(new URL(name, FOLDER));
type Value = string | number | null;
type Expected = Record<
  string,
  Record<string, { dimensions: string[]; shape: number[]; values: Value[]; attributes: JsonObject }>
>;
/** What netCDF4-python reads from the files themselves (scripts/make-dmrpp-data.py). */
const expected: Expected = JSON.parse(readFileSync(new URL("expected.json", FOLDER), "utf8"));
const archive = readFileSync(new URL("archive.nc.dmrpp", FOLDER), "latin1");

const NAMESPACES =
  'xmlns="http://xml.opendap.org/ns/DAP/4.0#" xmlns:dmrpp="http://xml.opendap.org/dap/dmrpp/1.0.0#"';

/** A document of one variable `v`, beside 1000 bytes of data. */
async function variableOf(content: string, type = "Int16", root = 'dmrpp:version="3.21"') {
  const storage = new MemoryStorage();
  const address = "memory://dmrpp/a.h5.dmrpp";
  await storage.write(
    "memory://dmrpp/a.h5",
    Uint8Array.from({ length: 1000 }, (_, at) => at % 251),
  );
  const text = `<Dataset ${NAMESPACES} name="a.h5" ${root}><${type} name="v">${content}</${type}></Dataset>`;
  await storage.write(address, new TextEncoder().encode(text));
  const { children } = await dmrpp.open(address, storage);
  return children.get("v");
}

async function faultOf(content: string, type?: string, root?: string) {
  const variable = await variableOf(content, type, root);
  return variable?.kind === "fault" ? variable.error.code : variable?.kind;
}

describe.each(["archive.nc", "plain.h5"])("the sidecar of %s", (name) => {
  it("gives the values, dimensions and attributes that netCDF4-python reads from the file", async () => {
    const root = await open(file(`${name}.dmrpp`));
    expect(root.format).toBe("dmrpp");
    for (const [path, { shape, values, dimensions, attributes }] of Object.entries(expected[name] ?? {})) {
      const array = await root.array(path);
      expect(array.shape, path).toEqual(shape);
      if (name === "archive.nc") expect(array.dimensionNames, path).toEqual(dimensions);
      const { data } = await get(array);
      const found = Array.from(data as ArrayLike<number | bigint | string>, (value) =>
        array.dataType.name.includes("int") ? String(value) : value,
      );
      expect(found, path).toEqual(values);
      const { _FillValue, ...others } = attributes;
      expect(array.attributes, path).toMatchObject(others);
      expect("_FillValue" in array.attributes, path).toBe(_FillValue !== undefined);
    }
  });

  it("becomes a repository whose chunks libhdf5 reads alike", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dmrpp-"));
    try {
      const target = join(folder, "a.icechunk");
      const { leftOut } = await index(file(`${name}.dmrpp`), target);
      expect(leftOut).toEqual([]);
      expect(await digestsOf(target)).toEqual(await digestsOf(file(`${name}.dmrpp`)));
      const { different, equal } = await verify(target);
      expect(different).toEqual([]);
      expect(equal).toBeGreaterThan(5);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("DMR++", () => {
  it("has the attributes of groups, also those in containers, and leaves the program's own out", async () => {
    const root = await open(file("archive.nc.dmrpp"));
    expect(root.attributes).toEqual({
      title: "by hand, with <signs> & “quotes”",
      version: 3,
      range: [0.5, Number.NaN],
    });
    expect((await root.group("model/ocean")).attributes).toEqual({ note: "inside" });
  });

  it("of old programs has its filters in the usual order, and finds its data by href", async () => {
    const found = await digestsOf(file("old.dmrpp"));
    const { "/given": given, "/byte": byte, ...others } = found;
    expect(others).toEqual(await digestsOf(file("plain.h5.dmrpp")));
    const root = await open(file("old.dmrpp"));
    expect((await get(await root.array("given"))).data).toEqual(Float64Array.of(0, 1, 2, 3, 4, 5));
    expect((await get(await root.array("byte"))).data).toEqual(Uint8Array.of(42));
    expect([given, byte]).not.toContain(undefined);
  });

  it("is joined with the file that it is about, and with others", async () => {
    const target = "memory://dmrpp/joined.icechunk";
    await index([file("archive.nc.dmrpp"), file("archive.nc")], target, { concat: "run", join: "inner" });
    const { data } = await get(await (await open(target)).array("packed"), [null, 0, 0]);
    expect(data[0]).toBe(data[1]);
  });

  it("knows the namespace by its address, whatever its prefix", async () => {
    const storage = new MemoryStorage();
    const address = "memory://dmrpp/b.dmrpp";
    await storage.write("memory://dmrpp/b", new Uint8Array(8));
    const text = `<d:Dataset xmlns:d="http://xml.opendap.org/ns/DAP/4.0#" xmlns:x="http://opendap.org/ns/dmrpp/1.0#" name="b">
      <d:Byte name="v"><d:Dim size="8"/><x:chunks><x:chunk offset="0" nBytes="8"/></x:chunks></d:Byte></d:Dataset>`;
    await storage.write(address, new TextEncoder().encode(text));
    expect(dmrpp.matches(new TextEncoder().encode(text))).toBe(true);
    expect((await dmrpp.open(address, storage)).children.get("v")).toMatchObject({
      metadata: { shape: [8] },
    });
  });

  it("is told by its first bytes, and not by those of other XML", () => {
    const matches = (text: string) => dmrpp.matches(new TextEncoder().encode(text));
    expect(matches(archive)).toBe(true);
    expect(
      matches('<?xml version="1.0"?>\n<Dataset name="a" xmlns="http://xml.opendap.org/ns/DAP/4.0#">'),
    ).toBe(false);
    expect(matches('<html xmlns="http://www.w3.org/1999/xhtml">')).toBe(false);
  });

  it("whose chunks lie in another file than they did is an error when they are read", async () => {
    const storage = new MemoryStorage();
    await storage.write("memory://dmrpp/c", new Uint8Array(8));
    const document = `<Dataset ${NAMESPACES} name="c"><Byte name="v"><Dim size="8"/><dmrpp:chunk offset="0" nBytes="8"/></Byte></Dataset>`;
    await storage.write("memory://dmrpp/c.dmrpp", new TextEncoder().encode(document));
    const variable = (await dmrpp.open("memory://dmrpp/c.dmrpp", storage)).children.get("v");
    const version = variable?.kind === "array" ? (await variable.manifest?.())?.versions[0] : undefined;
    expect(version).toEqual(await storage.head("memory://dmrpp/c"));
  });
});

const chunk = (offset: number, bytes: number, more = "") =>
  `<dmrpp:chunk offset="${offset}" nBytes="${bytes}" ${more}/>`;
const grid = (settings: string, chunks: string) =>
  `<Dim size="4"/><dmrpp:chunks ${settings}><dmrpp:chunkDimensionSizes>2</dmrpp:chunkDimensionSizes>${chunks}</dmrpp:chunks>`;

describe("a variable", () => {
  it("in other words is the same", async () => {
    const written = grid(
      'byteOrder="LE"',
      chunk(0, 4, 'chunkPositionInArray="0"') + chunk(4, 4, 'chunkPositionInArray="[2]"'),
    );
    const variable = await variableOf(written);
    expect(variable?.kind === "array" && (await variable.manifest?.())?.offsets).toEqual(
      Float64Array.of(0, 4),
    );
  });

  it("passes over chunks beyond the array, as HDF5 does", async () => {
    const variable = await variableOf(
      grid('fillValue="0"', [4, 2].map((at) => chunk(at, 4, `chunkPositionInArray="[${at}]"`)).join("")),
    );
    expect(variable?.kind === "array" && (await variable.manifest?.())?.offsets).toEqual(Float64Array.of(2));
  });

  it.each<[string, string, string, string?, string?]>([
    ["without values anywhere", '<Dim size="4"/>', "NotFound"],
    ["of two places", `<Dim size="1"/>${chunk(0, 2)}<dmrpp:compact>AAA=</dmrpp:compact>`, "InvalidMetadata"],
    ["of a filter that DMR++ has not", grid('compressionType="szip" fillValue="0"', ""), "UnsupportedFilter"],
    [
      "with missing chunks of no value",
      grid("", chunk(0, 4, 'chunkPositionInArray="[0]"')),
      "InvalidMetadata",
    ],
    [
      "with a chunk at no place of a chunk",
      grid('fillValue="0"', chunk(0, 4, 'chunkPositionInArray="[1]"')),
      "InvalidMetadata",
    ],
    [
      "with two chunks at one place",
      grid('fillValue="0"', chunk(0, 4, 'chunkPositionInArray="[0]"').repeat(2)),
      "CorruptFile",
    ],
    [
      "with a chunk beyond the file",
      grid('fillValue="0"', chunk(998, 4, 'chunkPositionInArray="[0]"')),
      "TruncatedFile",
    ],
    [
      "with a chunk of another size",
      grid('fillValue="0"', chunk(0, 5, 'chunkPositionInArray="[0]"')),
      "InvalidMetadata",
    ],
    ["with a chunk without an offset", grid('fillValue="0"', '<dmrpp:chunk nBytes="4"/>'), "InvalidMetadata"],
    [
      "with a mask of more filters",
      grid('fillValue="0"', chunk(0, 4, 'chunkPositionInArray="[0]" fm="1"')),
      "InvalidMetadata",
    ],
    ["of a fill value that is none", grid('fillValue="70000"', ""), "InvalidMetadata"],
    ["of a dimension that is not declared", `<Dim name="/x"/>${chunk(0, 2)}`, "InvalidMetadata"],
    [
      "of chunks of another rank",
      `<Dim size="4"/><Dim size="4"/><dmrpp:chunks fillValue="0"><dmrpp:chunkDimensionSizes>2</dmrpp:chunkDimensionSizes></dmrpp:chunks>`,
      "InvalidMetadata",
    ],
    [
      "of linked blocks",
      `<Dim size="4"/><dmrpp:chunks><dmrpp:block offset="0" nBytes="4"/><dmrpp:block offset="4" nBytes="4"/></dmrpp:chunks>`,
      "UnsupportedLayout",
    ],
    [
      "of a type that Hyrax could not say",
      `<Dim size="4"/><dmrpp:chunks fillValue="unsupported-array">${chunk(0, 8)}</dmrpp:chunks>`,
      "UnsupportedDataType",
    ],
    ["of records", chunk(0, 8), "UnsupportedDataType", "Structure"],
    ["of a text that may be a pointer", chunk(0, 16), "UnsupportedDataType", "String"],
    [
      "of strings padded with blanks",
      `<Dim size="2"/><dmrpp:FixedLengthStringArray string_length="4" pad="space_pad"/>${chunk(0, 8)}`,
      "UnsupportedDataType",
      "String",
    ],
    [
      "of texts with missing chunks",
      '<Dim size="2"/><dmrpp:FixedLengthStringArray string_length="4" pad="null_pad"/><dmrpp:chunks fillValue=""/>',
      "InvalidMetadata",
      "String",
    ],
    [
      "of fewer texts than elements",
      '<Dim size="3"/><dmrpp:vlsa><v c="2">a</v></dmrpp:vlsa>',
      "InvalidMetadata",
      "String",
    ],
    [
      "of more texts than elements",
      '<Dim size="3"/><dmrpp:vlsa><v c="99999999999">a</v></dmrpp:vlsa>',
      "InvalidMetadata",
      "String",
    ],
    [
      "of more texts than memory has room for",
      '<Dim size="99999999999"/><dmrpp:vlsa><v c="99999999999">a</v></dmrpp:vlsa>',
      "LimitExceeded",
      "String",
    ],
    [
      "of strings that memory has no room for",
      `<Dim size="2"/><dmrpp:FixedLengthStringArray string_length="9007199254740991" pad="null_pad"/>${chunk(0, 8)}`,
      "InvalidMetadata",
      "String",
    ],
    ["of too few bytes", '<Dim size="3"/><dmrpp:compact>AAAA</dmrpp:compact>', "InvalidMetadata"],
    [
      "of data on this machine, from elsewhere",
      `<Dim size="1"/>${chunk(0, 2, 'href="file:///etc/passwd"')}`,
      "Unauthorized",
      "Int16",
      "elsewhere",
    ],
  ])("%s is faulty, by itself", async (_, content, code, type, root) => {
    if (root !== "elsewhere") return expect(await faultOf(content, type)).toBe(code);
    const storage = new MemoryStorage();
    const text = `<Dataset ${NAMESPACES} name="a"><Int16 name="v">${content}</Int16></Dataset>`;
    const remote = {
      read: async () => ({ parts: [new TextEncoder().encode(text)], version: { size: text.length } }),
    };
    const group = await dmrpp.open("https://host/a.dmrpp", Object.assign(Object.create(storage), remote));
    expect(group.children.get("v")).toMatchObject({ kind: "fault", error: { code } });
  });

  it("of an enumeration has its integers", async () => {
    const storage = new MemoryStorage();
    await storage.write("memory://dmrpp/e", Uint8Array.of(1, 2));
    const text = `<Dataset ${NAMESPACES} name="e"><Enumeration name="color" basetype="UInt8"><EnumConst name="red" value="1"/></Enumeration>
      <Group name="g"><Enum name="v" enum="color"><Dim size="2"/>${chunk(0, 2)}</Enum></Group></Dataset>`;
    await storage.write("memory://dmrpp/e.dmrpp", new TextEncoder().encode(text));
    const group = (await dmrpp.open("memory://dmrpp/e.dmrpp", storage)).children.get("g");
    expect(group?.kind === "group" && group.children.get("v")).toMatchObject({
      metadata: { dataType: { name: "uint8" } },
    });
  });
});

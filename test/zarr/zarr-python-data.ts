/** What zarr-python wrote (scripts/make-zarr-data.py), and what it reads from it. */

import { readFileSync } from "node:fs";
import { decodeBase64 } from "../../src/binary/base64.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../src/binary/json.ts";
import type { ChunkData } from "../../src/codecs/codec.ts";
import { type DataType, itemSize } from "../../src/data-types/data-type.ts";
import { decodeElements } from "../../src/data-types/elements.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { coordinates, type Selection, slice } from "../../src/zarr/selection.ts";
import { ZarrStore } from "../../src/zarr/store.ts";

const folder = new URL("../data/zarr/", import.meta.url);
const stores = fixture("stores.json");
const expected = fixture("expected.json");

function fixture(name: string): JsonObject {
  const json = parseJson(bytesOf(name));
  if (!isJsonObject(json)) throw new Error(`${name} is no object`);
  return json;
}

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)));
}

function rows(json: JsonValue | undefined): JsonObject[] {
  return Array.isArray(json) ? json.filter(isJsonObject) : [];
}

function numbersOf(json: JsonValue | undefined): number[] {
  return Array.isArray(json) ? json.map(Number) : [];
}

export function zipFixture(name: string): Uint8Array {
  return bytesOf(name);
}

/** A store of the fixtures, in memory. */
export async function storeOf(name: string): Promise<ZarrStore> {
  const store = new ZarrStore(new MemoryStorage(), `memory://${name}/`);
  const values = stores[name];
  if (!isJsonObject(values)) throw new Error(`no store is called ${name}`);
  for (const [key, value] of Object.entries(values))
    await store.set(key, decodeBase64(String(value)) ?? new Uint8Array(0));
  return store;
}

export interface ExpectedArray {
  readonly name: string;
  readonly store: string;
  readonly path: string;
  readonly shape: readonly number[];
  readonly value: JsonValue | undefined;
  readonly selections: readonly {
    readonly text: string;
    readonly selection: Selection;
    readonly shape: readonly number[];
    readonly value: JsonValue | undefined;
  }[];
}

export const expectedArrays: ExpectedArray[] = rows(expected["arrays"]).map((row) => ({
  name: `${row["store"]}/${row["path"]}`,
  store: String(row["store"]),
  path: String(row["path"]),
  shape: numbersOf(row["shape"]),
  value: row["value"],
  selections: rows(row["selections"]).map((item) => ({
    text: JSON.stringify(item["parts"] ?? item["coordinates"]),
    selection: selectionOf(item),
    shape: numbersOf(item["shape"]),
    value: item["value"],
  })),
}));

function selectionOf(item: JsonObject): Selection {
  if (Array.isArray(item["coordinates"])) return coordinates(...item["coordinates"].map(numbersOf));
  const parts: readonly JsonValue[] = Array.isArray(item["parts"]) ? item["parts"] : [];
  return parts.map((part) => {
    if (!isJsonObject(part)) return Number(part);
    if (Array.isArray(part["mask"])) return part["mask"].map((entry: JsonValue) => entry === true);
    if (Array.isArray(part["list"])) return numbersOf(part["list"]);
    const [start, stop, step] = Array.isArray(part["slice"]) ? part["slice"] : [];
    const bound = (value: JsonValue | undefined): number | null => (typeof value === "number" ? value : null);
    return slice(bound(start), bound(stop), bound(step));
  });
}

export interface ExpectedGroup {
  readonly name: string;
  readonly store: string;
  readonly path: string;
  readonly attributes: JsonValue | undefined;
  readonly members: JsonObject;
  readonly consolidated: boolean;
}

export const expectedGroups: ExpectedGroup[] = rows(expected["groups"]).map((row) => ({
  name: `${row["store"]}/${row["path"]}`,
  store: String(row["store"]),
  path: String(row["path"]),
  attributes: row["attributes"],
  members: isJsonObject(row["members"]) ? row["members"] : {},
  consolidated: row["consolidated"] === true,
}));

/** Values as the fixtures hold them: bytes in base64, or texts. */
export function comparable(data: ChunkData, dataType: DataType, value: JsonValue | undefined): unknown {
  if (!Array.isArray(value)) return data instanceof Uint8Array ? Buffer.from(data).toString("base64") : data;
  return itemSize(dataType) === undefined
    ? data
    : Array.from<unknown, string>(decodeElements(data, dataType), String);
}

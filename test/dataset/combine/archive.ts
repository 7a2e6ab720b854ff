import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { instantOf, parseTimeUnits } from "../../../src/dataset/cf-time.ts";
import { type Group, get, type IndexOptions, open } from "../../../src/node.ts";

const FOLDER = new URL("../../data/combine/", import.meta.url);

export interface ExpectedCase {
  readonly files: readonly string[];
  readonly options: IndexOptions;
  readonly group: string | null;
  readonly variables: Readonly<
    Record<
      string,
      {
        readonly dimensions: readonly string[];
        readonly shape: readonly number[];
        readonly values: readonly number[];
        /** Whether the values are seconds since 1970. */
        readonly time: boolean;
      }
    >
  >;
}

/** What xarray.open_mfdataset makes of the files (scripts/make-combine-data.py). */
export const expectedCases: Readonly<Record<string, ExpectedCase>> = JSON.parse(
  readFileSync(new URL("expected.json", FOLDER), "utf8"),
);

export function archiveFile(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

let repositories = 0;
export function newRepository(): string {
  repositories += 1;
  return `memory://combine/${repositories}.icechunk`;
}

const UNIX = parseTimeUnits("seconds since 1970-01-01");

/** Numbers as they are stored; times as seconds since 1970. */
export async function valuesOf(group: Group, name: string, isTime: boolean): Promise<number[]> {
  const array = await group.array(name);
  const { data } = await get(array);
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  if (!isTime) return numbers.map((value) => (Number.isNaN(value) ? -1 : value));
  const { bounds: _, units } = array.attributes;
  const own = typeof units === "string" ? units : (await group.array("time")).attributes["units"];
  const time = parseTimeUnits(String(own));
  if (time === undefined || UNIX === undefined) throw new Error(`${String(own)} are no units`);
  return numbers.map((value) => Number((instantOf(value, time) ?? 0n) - UNIX.epoch) / 1e6);
}

/** Checks a repository against what was expected of a case; gives the names that differ. */
export async function differences(address: string, expected: ExpectedCase): Promise<string[]> {
  const root = await open(address);
  const group = expected.group === null ? root : await root.group(expected.group);
  const wrong: string[] = [];
  for (const [name, variable] of Object.entries(expected.variables)) {
    const array = await group.array(name);
    const values = await valuesOf(group, name, variable.time);
    const same =
      JSON.stringify(array.shape) === JSON.stringify(variable.shape) &&
      JSON.stringify(array.dimensionNames) === JSON.stringify(variable.dimensions) &&
      JSON.stringify(values) === JSON.stringify(variable.values);
    if (!same) wrong.push(`${name} ${array.shape}: ${values.slice(0, 8)}`);
  }
  return wrong;
}

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/binary/json.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { createArray } from "../../src/zarr/create.ts";
import { open, root } from "../../src/zarr/location.ts";
import { get } from "../../src/zarr/read/get.ts";
import { ZarrStore } from "../../src/zarr/store.ts";
import type { ElementList } from "../../src/zarr/write/values.ts";
import { arbitraryGrid, arbitrarySelection } from "./array-model.ts";

interface Kind {
  readonly dataType: JsonValue;
  readonly fillValue: JsonValue;
  readonly fill: unknown;
  readonly value: fc.Arbitrary<unknown>;
  readonly codecs: { readonly name: string; readonly configuration?: { [key: string]: JsonValue } }[];
  pack(values: unknown[]): ElementList;
}

const little = { name: "bytes", configuration: { endian: "little" } };
const big = { name: "bytes", configuration: { endian: "big" } };
const zlib = { name: "numcodecs.zlib", configuration: { level: 1 } };
const shuffle = { name: "numcodecs.shuffle", configuration: { elementsize: 8 } };
const crc32c = { name: "crc32c" };

const KINDS: Kind[] = [
  {
    dataType: "int16",
    fillValue: -7,
    fill: -7,
    value: fc.constantFrom(-7, 0, 1, 2, -32768, 32767),
    codecs: [little],
    pack: (values) => Int16Array.from(values, Number),
  },
  {
    dataType: "int64",
    fillValue: 0,
    fill: 0n,
    value: fc.constantFrom(0n, 1n, -9223372036854775806n, 9223372036854775807n),
    codecs: [big, shuffle, zlib],
    pack: (values) => BigInt64Array.from(values, (value) => BigInt(String(value))),
  },
  {
    dataType: "float64",
    fillValue: "NaN",
    fill: Number.NaN,
    value: fc.constantFrom(Number.NaN, 0, -0, 1.5, Number.POSITIVE_INFINITY),
    codecs: [little, crc32c],
    pack: (values) => values.map(Number),
  },
  {
    dataType: "string",
    fillValue: "é",
    fill: "é",
    value: fc.constantFrom("", "é", "a", "\u{1f600}\0"),
    codecs: [{ name: "vlen-utf8" }, zlib],
    pack: (values) => values.map(String),
  },
];

const scenario = fc.record({ kind: fc.constantFrom(...KINDS), grid: arbitraryGrid }).chain(({ kind, grid }) =>
  fc.record({
    kind: fc.constant(kind),
    grid: fc.constant(grid),
    writes: fc.array(
      arbitrarySelection(grid.shape).chain((where) =>
        fc.record({
          where: fc.constant(where),
          values: fc.oneof(
            kind.value,
            fc.array(kind.value, { minLength: where.positions.length, maxLength: where.positions.length }),
          ),
        }),
      ),
      { maxLength: 5 },
    ),
    reads: fc.array(arbitrarySelection(grid.shape), { minLength: 1, maxLength: 3 }),
  }),
);

describe("writing and reading", () => {
  test("what is written into any selection reads back through any other, as in a model", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ kind, grid, writes, reads }) => {
        const store = new ZarrStore(new MemoryStorage(), "memory://store/");
        const { dataType, fillValue, codecs } = kind;
        const array = await createArray(store, "a/b", { ...grid, dataType, fillValue, codecs });
        const size = grid.shape.reduce((product, length) => product * length, 1);
        const model = new Array<unknown>(size).fill(kind.fill);
        for (const { where, values } of writes) {
          if (Array.isArray(values)) {
            await array.set(where.selection, { data: kind.pack(values), shape: where.shape });
            where.positions.forEach((position, at) => {
              model[position] = values[at];
            });
          } else {
            await array.set(where.selection, kind.pack([values])[0] ?? "");
            for (const position of where.positions) model[position] = values;
          }
        }
        const reopened = await open(root(store).resolve("a/b"), { kind: "array" });
        for (const { selection, shape, positions } of reads) {
          const result = await get(reopened, selection);
          expect(result.shape).toEqual(shape);
          expect(Array.from<unknown>(result.data)).toEqual(positions.map((position) => model[position]));
        }
        const whole = await get(array);
        expect(Array.from<unknown>(whole.data)).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });
});

import { concatenateBytes } from "../../../src/binary/byte-sequences.ts";

/** A CDF-1 file (NetCDF classic format specification): `time`, and `v` along it whose steps have one value each. */
export function classicFile(
  times: readonly number[],
  steps: readonly number[],
  hasRecords: boolean,
): Uint8Array {
  const side = 8;
  const cells = side * side;
  const header = (timeAt: number, valuesAt: number): Uint8Array => {
    const parts: Uint8Array[] = [Uint8Array.of(0x43, 0x44, 0x46, 1)];
    const int = (value: number): void => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, value);
      parts.push(bytes);
    };
    const text = (value: string): void => {
      int(value.length);
      parts.push(new TextEncoder().encode(value.padEnd(Math.ceil(value.length / 4) * 4, "\0")));
    };
    const variable = (
      name: string,
      axes: readonly number[],
      type: number,
      size: number,
      begin: number,
    ): void => {
      text(name);
      int(axes.length);
      axes.forEach(int);
      for (const word of [0, 0, type, size, begin]) int(word);
    };
    int(hasRecords ? steps.length : 0);
    int(10);
    int(3);
    for (const [name, length] of [
      ["time", hasRecords ? 0 : steps.length],
      ["y", side],
      ["x", side],
    ] as const) {
      text(name);
      int(length);
    }
    for (const word of [0, 0, 11, 2]) int(word);
    const count = hasRecords ? 1 : steps.length;
    variable("time", [0], 6, 8 * count, timeAt);
    variable("v", [0, 1, 2], 5, 4 * cells * count, valuesAt);
    return concatenateBytes(parts);
  };
  const time = new Uint8Array(8 * steps.length);
  times.forEach((value, index) => void new DataView(time.buffer).setFloat64(8 * index, value));
  const values = new Uint8Array(4 * cells * steps.length);
  const view = new DataView(values.buffer);
  for (let cell = 0; cell < cells * steps.length; cell++) {
    view.setFloat32(4 * cell, steps[Math.floor(cell / cells)] ?? 0);
  }
  const { length } = header(0, 0);
  if (!hasRecords) return concatenateBytes([header(length, length + time.length), time, values]);
  const records = steps.flatMap((_, index) => [
    time.subarray(8 * index, 8 * index + 8),
    values.subarray(4 * cells * index, 4 * cells * (index + 1)),
  ]);
  return concatenateBytes([header(length, length + 8), ...records]);
}

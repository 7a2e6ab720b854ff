/**
 * `packbits`: elements of some bits each, one after another from the lowest bit on (zarr-extensions "packbits").
 *
 * @module
 */

import { type DataType, itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { packed } from "./number-codec.ts";

/** Which bits of a component (of a complex number: one of its parts) are kept. */
interface Field {
  readonly bytes: number;
  readonly first: number;
  readonly width: number;
  readonly isSigned: boolean;
}

export const makePackBits: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("packbits", values, ["padding_encoding", "first_bit", "last_bit"]);
  const padding = configuration.word("padding_encoding", ["none", "first_byte", "last_byte"], "none");
  const components = dataType.name.startsWith("complex") ? 2 : 1;
  const field = fieldOf(configuration, dataType, components);
  const count = components * shape.reduce((product, length) => product * length, 1);
  const bitBytes = Math.ceil((count * field.width) / 8);
  const leftOver = bitBytes * 8 - count * field.width;
  const start = padding === "first_byte" ? 1 : 0;
  const encodedSize = bitBytes + (padding === "none" ? 0 : 1);
  const paddingAt = padding === "first_byte" ? 0 : encodedSize - 1;
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize,
    encode(data) {
      const out = new Uint8Array(encodedSize);
      if (padding !== "none") out[paddingAt] = leftOver;
      packFields(packed(data), out.subarray(start), count, field);
      return out;
    },
    decode(bytes) {
      if (padding !== "none" && bytes[paddingAt] !== leftOver) {
        throw new MoraineError(
          "CorruptChunk",
          `packbits: ${bytes[paddingAt]} bits are left over, not ${leftOver}`,
        );
      }
      return unpackFields(bytes.subarray(start), count, field);
    },
  };
  return codec;
};

function fieldOf(configuration: Configuration, dataType: DataType, components: number): Field {
  const size = itemSize(dataType);
  const isPlain = /^(bool|u?int\d+|b?float\d+|complex\d+)$/.test(dataType.name);
  if (size === undefined || !isPlain) throw configuration.error(`it cannot encode ${dataType.name}`);
  const bytes = size / components;
  const bits = dataType.name === "bool" ? 1 : 8 * bytes;
  const first =
    configuration.value("first_bit") === null ? 0 : configuration.integer("first_bit", 0, bits - 1, 0);
  const last =
    configuration.value("last_bit") === null
      ? bits - 1
      : configuration.integer("last_bit", first, bits - 1, bits - 1);
  return { bytes, first, width: last - first + 1, isSigned: dataType.name.startsWith("int") };
}

function packFields(
  elements: Uint8Array,
  out: Uint8Array,
  count: number,
  { bytes, first, width }: Field,
): void {
  let to = 0;
  for (let i = 0; i < count; i++) {
    for (let bit = first; bit < first + width; bit++, to++) {
      if (((elements[i * bytes + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) {
        out[to >> 3] = (out[to >> 3] ?? 0) | (1 << (to & 7));
      }
    }
  }
}

function unpackFields(bits: Uint8Array, count: number, { bytes, first, width, isSigned }: Field): Uint8Array {
  const out = new Uint8Array(count * bytes);
  let from = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    const end = isSigned ? 8 * bytes : first + width;
    for (let bit = first; bit < end; bit++) {
      // Beyond the kept bits the last of them is repeated: the sign.
      if (bit < first + width) value = ((bits[from >> 3] ?? 0) >> (from++ & 7)) & 1;
      const at = i * bytes + (bit >> 3);
      out[at] = (out[at] ?? 0) | (value << (bit & 7));
    }
  }
  return out;
}

/**
 * `numcodecs.categorize`: texts of a list of labels as their numbers, 0 for any other text (numcodecs, `Categorize`).
 *
 * @module
 */

import { isJsonArray } from "../binary/json.ts";
import {
  castNumbers,
  type NumberType,
  numberTypeOf,
  packDoubles,
  viewDoubles,
} from "../data-types/numbers.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToArrayCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { dtypeOf, packed } from "./number-codec.ts";

export const makeCategorize: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("numcodecs.categorize", values, ["labels", "dtype", "astype"]);
  const labels = configuration.value("labels");
  if (!isJsonArray(labels)) throw configuration.error("labels must be a list");
  const texts = labels.map((label) => {
    if (typeof label !== "string") throw configuration.error("labels must be texts");
    return label;
  });
  if (dataType.name !== "string") throw configuration.error(`it cannot encode ${dataType.name}`);
  const { dataType: encodedType, type } = dtypeOf(configuration, "astype", { name: "uint8" });
  const numbers = new Map(texts.map((text, index) => [text, index + 1]));
  const codec: ArrayToArrayCodec = {
    kind: "array-to-array",
    encoded: { shape, dataType: encodedType, fillValue: castNumbers(new Uint8Array(1), UINT8, type) },
    encode(data) {
      if (data instanceof Uint8Array) throw new MoraineError("InvalidArgument", "texts were expected");
      // What has no label, and is not empty, would not come back.
      const codes = data.map((text) => (text === "" ? 0 : (numbers.get(String(text)) ?? Number.NaN)));
      const lost = codes.findIndex(Number.isNaN);
      if (lost >= 0)
        throw new MoraineError("InvalidArgument", `numcodecs.categorize: no label is "${data[lost]}"`);
      return packDoubles(codes, type);
    },
    // Numbers without a label are the empty text.
    decode: (data) => Array.from(viewDoubles(packed(data), type), (code) => texts[code - 1] ?? ""),
  };
  return codec;
};

const UINT8: NumberType = numberTypeOf({ name: "uint8" }) ?? {
  name: "uint8",
  kind: "uint",
  size: 1,
  low: 0n,
  high: 255n,
};

/**
 * `numcodecs.astype`: numbers as those of another type (numcodecs, `AsType`).
 *
 * @module
 */

import { castNumbers } from "../data-types/numbers.ts";
import { MoraineError } from "../errors.ts";
import type { CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { castFill, checkItemSize, dtypeOf, numberCodec } from "./number-codec.ts";

export const makeAsType: CodecMaker = (values, representation) => {
  const configuration = new Configuration("numcodecs.astype", values, ["encode_dtype", "decode_dtype"]);
  const { dataType } = representation;
  const { type } = dtypeOf(configuration, "decode_dtype", dataType);
  if (configuration.value("encode_dtype") === undefined) throw configuration.error("encode_dtype is missing");
  const { dataType: encodedType, type: stored } = dtypeOf(configuration, "encode_dtype", dataType);
  checkItemSize(configuration, dataType, type);
  return numberCodec(representation, {
    encodedType,
    encode(bytes) {
      const encoded = castNumbers(bytes, type, stored);
      // Integers that wrapped around are no longer what they were.
      if (stored.kind !== "float" && type.kind !== "float") {
        const back = castNumbers(encoded, stored, type);
        if (back.some((byte, at) => byte !== bytes[at])) {
          throw new MoraineError("InvalidArgument", `numcodecs.astype: a number does not fit ${stored.name}`);
        }
      }
      return encoded;
    },
    decode: (bytes) => castNumbers(bytes, stored, type),
    encodedFill: castFill(representation.fillValue, type, stored),
  });
};

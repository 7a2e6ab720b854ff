/**
 * Fill values of Zarr v2 (storage specification, version 2, "fill value encoding").
 *
 * @module
 */

import { decodeBase64 } from "../binary/base64.ts";
import { isJsonArray, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { swapFields } from "./byte-order.ts";
import { type DataType, itemSize } from "./data-type.ts";
import { defaultFillValue, parseFillValue } from "./fill-value.ts";
import type { ByteOrder } from "./numpy-dtype.ts";

/**
 * The element that a `fill_value` means, little-endian. `null` promises nothing; zero stands for it, as elsewhere.
 *
 * Errors: `InvalidMetadata` where the value does not fit the type.
 */
export function parseFillValueV2(
  json: JsonValue | undefined,
  dataType: DataType,
  byteOrders: readonly ByteOrder[],
): Uint8Array {
  if (json === null || json === undefined) return defaultFillValue(dataType);
  switch (dataType.name) {
    case "struct": {
      // Packed bytes as they are stored; 0 for records of zeros.
      if (json === 0) return defaultFillValue(dataType);
      const bytes = typeof json === "string" ? decodeBase64(json) : undefined;
      if (bytes === undefined || bytes.length !== itemSize(dataType)) {
        throw new MoraineError("InvalidMetadata", "the fill value of a record is not its bytes in base64");
      }
      swapFields(bytes, dataType, byteOrders);
      return bytes;
    }
    case "bool":
      return parseFillValue(json === 0 ? false : json === 1 ? true : json, dataType);
    case "string":
    case "variable_length_bytes":
    case "fixed_length_utf32":
    case "null_terminated_bytes":
    case "raw_bytes":
      // Version 2 of zarr-python wrote the number 0 for types that have no zero.
      return json === 0 ? defaultFillValue(dataType) : parseFillValue(json, dataType);
    case "complex64":
    case "complex128":
      return parseFillValue(isJsonArray(json) ? json : [json, 0], dataType);
    default:
      return parseFillValue(json, dataType);
  }
}

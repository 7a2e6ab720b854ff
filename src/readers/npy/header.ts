/**
 * The header of a `.npy` file (numpy.lib.format, versions 1.0, 2.0 and 3.0).
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue } from "../../binary/json.ts";
import { type NumpyDtype, parseNumpyDtype } from "../../data-types/numpy-dtype.ts";
import { MoraineError } from "../../errors.ts";
import { parsePythonLiteral } from "./python-literal.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy itself refuses headers beyond 10,000 characters unless they are trusted. */
const MAXIMUM_HEADER = 1024 * 1024;

/** What the header says. */
export interface NpyHeader {
  readonly dtype: NumpyDtype;
  readonly shape: readonly number[];
  /** Whether the first axis varies fastest. */
  readonly fortranOrder: boolean;
  /** Where the values begin. */
  readonly start: number;
}

export function isNpy(head: Uint8Array): boolean {
  return MAGIC.every((byte, at) => head[at] === byte);
}

/**
 * Where the values begin, which is where the header ends.
 *
 * Errors: `TruncatedFile`, `UnsupportedVersion`, `LimitExceeded` for a header beyond 1 MiB.
 */
export function headerEnd(head: Uint8Array): number {
  if (head.length < 12) throw new MoraineError("TruncatedFile", "the file ends within its header");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [major, minor] = [view.getUint8(6), view.getUint8(7)];
  if (major < 1 || major > 3 || minor !== 0) {
    throw new MoraineError("UnsupportedVersion", `version ${major}.${minor} of the .npy format`, {
      offset: 6,
    });
  }
  const end = major === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (end > MAXIMUM_HEADER) {
    throw new MoraineError("LimitExceeded", `the header is longer than ${MAXIMUM_HEADER} bytes`, {
      offset: 8,
    });
  }
  return end;
}

/**
 * Parses the header.
 *
 * Errors: `CorruptFile`; `UnsupportedDataType` for objects (pickles), records with padding and types that Zarr does
 * not have; `NumberTooLarge`.
 *
 * @param head the file at least up to {@link headerEnd}
 */
export function parseHeader(head: Uint8Array): NpyHeader {
  const start = headerEnd(head);
  const major = head[6];
  if (head.length < start) throw new MoraineError("TruncatedFile", "the file ends within its header");
  const decoder = new TextDecoder(major === 3 ? "utf-8" : "latin1", { fatal: major === 3 });
  let json: JsonValue;
  try {
    json = parsePythonLiteral(decoder.decode(head.subarray(major === 1 ? 10 : 12, start)));
  } catch (error) {
    if (error instanceof TypeError)
      throw new MoraineError("CorruptFile", "the header is no UTF-8", { offset: 12 });
    throw error;
  }
  const { descr, fortran_order: fortranOrder, shape, ...others } = isJsonObject(json) ? json : {};
  const isShape = isJsonArray(shape) && shape.every((length) => typeof length === "number" && length >= 0);
  if (typeof fortranOrder !== "boolean" || !isShape || Object.keys(others).length > 0) {
    throw new MoraineError("CorruptFile", "the header has not the keys descr, fortran_order and shape", {
      offset: 10,
    });
  }
  const dtype = parseNumpyDtype(plainDescriptor(descr));
  return { dtype, shape: shape.map(Number), fortranOrder, start };
}

/** A `descr` without titles of fields. Errors: `UnsupportedDataType` for fields that only fill gaps. */
function plainDescriptor(descr: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonArray(descr)) return descr;
  return descr.map((field): JsonValue => {
    if (!isJsonArray(field)) return field;
    const [name, type = null, ...shape] = field;
    const plain = isJsonArray(name) ? name[1] : name;
    if (plain === "") {
      throw new MoraineError(
        "UnsupportedDataType",
        "records with gaps between their fields: save them packed",
      );
    }
    return [plain ?? null, plainDescriptor(type) ?? null, ...shape];
  });
}

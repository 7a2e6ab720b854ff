/**
 * Data types as metadata names them (Zarr v3 core 3.1 "data types", zarr-extensions "data-types").
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { type DataType, itemSize, type SimpleName, type StructField } from "./data-type.ts";
import { parseExtension } from "./extension.ts";

const SIMPLE_NAMES: ReadonlySet<string> = new Set<SimpleName>([
  "bool",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
  "complex64",
  "complex128",
]);

/** Other names of the same types. */
const ALIASES: Readonly<Record<string, SimpleName>> = {
  complex_float32: "complex64",
  complex_float64: "complex128",
};

const TIME_UNITS: ReadonlySet<string> = new Set("Y M W D h m s ms us μs ns ps fs as generic".split(" "));

/** An element larger than this is no data type but an attack on memory. */
const MOST_BYTES = 2 ** 26;

function isSimpleName(name: string): name is SimpleName {
  return SIMPLE_NAMES.has(name);
}

/**
 * Parses a `data_type`.
 *
 * Errors: `UnsupportedDataType` for a name that is not known here, `InvalidMetadata` for a bad configuration.
 */
export function parseDataType(json: JsonValue | undefined): DataType {
  const { name, configuration, mustUnderstand } = parseExtension(json, "data_type");
  if (!mustUnderstand) throw new MoraineError("InvalidMetadata", "a data type must be understood");
  return named(name, configuration);
}

function named(name: string, configuration: JsonObject): DataType {
  const simple = ALIASES[name] ?? name;
  if (isSimpleName(simple)) {
    allowOnly(configuration, [], name);
    return { name: simple };
  }
  const bits = /^r([1-9]\d*)$/.exec(name);
  if (bits) {
    const count = Number(bits[1]);
    if (count % 8 !== 0 || count / 8 > MOST_BYTES) {
      throw new MoraineError("InvalidMetadata", `data type ${name}: bits must be whole bytes`);
    }
    return { name: "raw_bytes", lengthBytes: count / 8 };
  }
  switch (name) {
    case "fixed_length_utf32":
    case "null_terminated_bytes":
    case "raw_bytes": {
      allowOnly(configuration, ["length_bytes"], name);
      const lengthBytes = configuration["length_bytes"];
      const unit = name === "fixed_length_utf32" ? 4 : 1;
      if (
        typeof lengthBytes !== "number" ||
        !Number.isInteger(lengthBytes) ||
        lengthBytes < 1 ||
        lengthBytes > MOST_BYTES ||
        lengthBytes % unit !== 0
      ) {
        throw new MoraineError("InvalidMetadata", `data type ${name}: length_bytes is not usable`);
      }
      return { name, lengthBytes };
    }
    case "numpy.datetime64":
    case "numpy.timedelta64": {
      allowOnly(configuration, ["unit", "scale_factor"], name);
      const { unit, scale_factor: scaleFactor } = configuration;
      if (typeof unit !== "string" || !TIME_UNITS.has(unit)) {
        throw new MoraineError("InvalidMetadata", `data type ${name}: unit is not one of time`);
      }
      if (
        typeof scaleFactor !== "number" ||
        !Number.isInteger(scaleFactor) ||
        scaleFactor < 1 ||
        scaleFactor > 2 ** 31 - 1
      ) {
        throw new MoraineError(
          "InvalidMetadata",
          `data type ${name}: scale_factor is not a positive integer`,
        );
      }
      return { name, unit: unit === "μs" ? "us" : unit, scaleFactor };
    }
    case "string":
      allowOnly(configuration, [], name);
      return { name };
    case "variable_length_bytes":
    case "bytes":
      allowOnly(configuration, [], name);
      return { name: "variable_length_bytes" };
    case "variable_length_utf8":
      allowOnly(configuration, [], name);
      return { name: "string" };
    case "struct":
    case "structured":
      allowOnly(configuration, ["fields"], name);
      return structOf(structFields(configuration["fields"]));
    default:
      throw new MoraineError("UnsupportedDataType", `there is no data type "${name}" here`);
  }
}

/** The data type of records. Errors: `LimitExceeded` for records of more than 64 MiB. */
export function structOf(fields: readonly StructField[]): DataType {
  const dataType: DataType = { name: "struct", fields };
  if ((itemSize(dataType) ?? 0) > MOST_BYTES) {
    throw new MoraineError("LimitExceeded", `records of ${itemSize(dataType)} bytes`);
  }
  return dataType;
}

/** `[{name, data_type}, …]`, or pairs in the form that zarr-python wrote before 3.2. */
function structFields(json: JsonValue | undefined): StructField[] {
  if (!isJsonArray(json) || json.length === 0) {
    throw new MoraineError("InvalidMetadata", "a struct needs a list of fields");
  }
  const seen = new Set<string>();
  const fields = json.map((item): StructField => {
    const [name, type] = isJsonArray(item)
      ? [item[0], item[1]]
      : isJsonObject(item)
        ? [item["name"], item["data_type"]]
        : [];
    if (typeof name !== "string" || type === undefined || (isJsonArray(item) && item.length !== 2)) {
      throw new MoraineError("InvalidMetadata", "a field of a struct needs a name and a data_type");
    }
    const unknown =
      isJsonObject(item) && Object.keys(item).find((key) => key !== "name" && key !== "data_type");
    if (typeof unknown === "string") {
      throw new MoraineError(
        "InvalidMetadata",
        `field "${name}" of a struct has an unknown key "${unknown}"`,
      );
    }
    if (seen.has(name)) throw new MoraineError("InvalidMetadata", `two fields are called "${name}"`);
    seen.add(name);
    const dataType = parseDataType(type);
    if (itemSize(dataType) === undefined) {
      throw new MoraineError("UnsupportedDataType", `field "${name}" of a struct has no fixed size`);
    }
    return { name, dataType };
  });
  return fields;
}

function allowOnly(configuration: JsonObject, keys: readonly string[], name: string): void {
  for (const key of Object.keys(configuration)) {
    if (!keys.includes(key)) {
      throw new MoraineError(
        "InvalidMetadata",
        `data type ${name}: unknown key "${key}" in its configuration`,
      );
    }
  }
}

/** The form that zarr-python writes and every reader knows. */
export function dataTypeToJson(dataType: DataType): JsonValue {
  switch (dataType.name) {
    case "fixed_length_utf32":
    case "null_terminated_bytes":
    case "raw_bytes":
      return { name: dataType.name, configuration: { length_bytes: dataType.lengthBytes } };
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return {
        name: dataType.name,
        configuration: { unit: dataType.unit, scale_factor: dataType.scaleFactor },
      };
    case "struct":
      return {
        name: "struct",
        configuration: {
          fields: dataType.fields.map((field) => ({
            name: field.name,
            data_type: dataTypeToJson(field.dataType),
          })),
        },
      };
    default:
      return dataType.name;
  }
}

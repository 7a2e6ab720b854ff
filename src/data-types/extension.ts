/**
 * Extension points of metadata: a name, or an object with a name and a configuration (Zarr v3 core 3.1
 * "extension points").
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";

export interface Extension {
  readonly name: string;
  readonly configuration: JsonObject;
  /** False where a reader that does not know the extension may go on without it. */
  readonly mustUnderstand: boolean;
}

/**
 * Parses an extension, in its long or its short form.
 *
 * Errors: `InvalidMetadata`.
 */
export function parseExtension(json: JsonValue | undefined, what: string): Extension {
  if (typeof json === "string") return { name: json, configuration: {}, mustUnderstand: true };
  if (!isJsonObject(json) || typeof json["name"] !== "string") {
    throw new MoraineError("InvalidMetadata", `${what} is neither a name nor an object with one`);
  }
  for (const key of Object.keys(json)) {
    if (key !== "name" && key !== "configuration" && key !== "must_understand") {
      throw new MoraineError("InvalidMetadata", `${what} has an unknown key "${key}"`);
    }
  }
  const configuration = json["configuration"] ?? {};
  if (!isJsonObject(configuration)) {
    throw new MoraineError("InvalidMetadata", `the configuration of ${what} is no object`);
  }
  const mustUnderstand = json["must_understand"] ?? true;
  if (typeof mustUnderstand !== "boolean") {
    throw new MoraineError("InvalidMetadata", `must_understand of ${what} is neither true nor false`);
  }
  return { name: json["name"], configuration, mustUnderstand };
}

/**
 * What the attributes of an array say beside those of its dataset: the fill value in xarray's form, the labels of an
 * enumeration.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import type { DataType } from "../../data-types/data-type.ts";
import { encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { AttributeValues } from "./attributes.ts";
import type { Datatype } from "./datatype.ts";
import { integerReader } from "./element-value.ts";

/**
 * Labels become `flag_values` and `flag_meanings` (CF Conventions, 3.5 "Flags"), unless the dataset has such
 * attributes of its own; blanks in labels become underscores, for CF separates them by blanks.
 */
export function arrayAttributes(values: JsonObject, datatype: Datatype, dataType: DataType): AttributeValues {
  const entries: [string, JsonValue][] = [];
  const notes: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const given = name === "_FillValue" ? encodeFillValueAttribute(value, dataType) : value;
    if (given !== undefined) entries.push([name, given]);
    else notes.push(`the attribute _FillValue has no form that xarray reads for ${dataType.name}; left out`);
  }
  if (datatype.class === "enumeration" && dataType.name !== "bool" && !("flag_meanings" in values)) {
    const read = integerReader(datatype.base);
    if (read) {
      const labels = datatype.names.map((name) => name.replace(/\s+/g, "_"));
      const codes = datatype.names.map((_, i) => read(datatype.values, i * datatype.size));
      entries.push(["flag_values", codes], ["flag_meanings", labels.join(" ")]);
    }
  }
  return { values: Object.fromEntries(entries), notes };
}

/**
 * Which datatypes netCDF-C can give to a variable: numbers, text, and user-defined types that were committed before.
 *
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";
import type { Datatype } from "../datatype.ts";
import { parseDatatype } from "../datatype-message.ts";
import type { GraphObject } from "../object-graph.ts";
import { findMessage, MESSAGE } from "../object-header.ts";

export class KnownTypes {
  readonly #committed = new Set<string>();

  /** A committed datatype that was met. */
  add(object: GraphObject): void {
    try {
      const message = findMessage(object.header, MESSAGE.datatype);
      const { source } = object.in.file.metadata;
      if (message) this.#committed.add(key(parseDatatype(new Cursor(message.body, { source }))));
    } catch (error) {
      if (!(error instanceof MoraineError)) throw error;
    }
  }

  knows(datatype: Datatype): boolean {
    switch (datatype.class) {
      case "integer":
      case "float":
      case "string":
      case "variable-string":
        return true;
      default:
        return this.#committed.has(key(datatype));
    }
  }
}

/** Equal for datatypes that are the same in memory: byte order and padding do not count. */
function key(datatype: Datatype): string {
  switch (datatype.class) {
    case "compound":
      return `{${datatype.members.map(({ name, datatype: member }) => `${JSON.stringify(name)}:${key(member)}`).join()}}`;
    case "array":
      return `${key(datatype.base)}[${datatype.shape.join()}]`;
    case "sequence":
      return `${key(datatype.base)}[]`;
    case "enumeration":
      return `${key(datatype.base)}<${datatype.names.map((name) => JSON.stringify(name)).join()}>`;
    case "opaque":
      return `opaque${datatype.size}${JSON.stringify(datatype.tag)}`;
    case "integer":
      return `${datatype.signed ? "i" : "u"}${datatype.size}`;
    default:
      return `${datatype.class}${datatype.size}`;
  }
}

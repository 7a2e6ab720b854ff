/**
 * Which datatypes netCDF-C can give to a variable: numbers, text, and user-defined types made of what it knows.
 *
 * It decides at the first dataset of a type. A type that it fails to read is in its list all the same: the next
 * dataset of that type is a variable. The numbers of phony dimensions depend on it (observed with netCDF-C 4.10).
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
  readonly #listed = new Set<string>();

  /** A committed datatype that was met. */
  add(object: GraphObject): void {
    try {
      const message = findMessage(object.header, MESSAGE.datatype);
      const { source } = object.in.file.metadata;
      if (message) this.#listed.add(key(parseDatatype(new Cursor(message.body, { source }))));
    } catch (error) {
      if (!(error instanceof MoraineError)) throw error;
    }
  }

  /** Whether the next dataset of this type is a variable. */
  admits(datatype: Datatype): boolean {
    if (datatype.class === "reference") return false;
    if (this.#knows(datatype)) return true;
    this.#listed.add(key(datatype));
    switch (datatype.class) {
      case "opaque":
      case "enumeration":
        return true;
      case "sequence":
        return this.#knows(datatype.base);
      case "compound":
        return datatype.members.every(({ datatype: member }) =>
          this.#knows(member.class === "array" ? member.base : member),
        );
      default:
        return false;
    }
  }

  #knows(datatype: Datatype): boolean {
    switch (datatype.class) {
      case "integer":
      case "float":
      case "string":
      case "variable-string":
        return true;
      default:
        return this.#listed.has(key(datatype));
    }
  }
}

/** Equal for datatypes that are the same in memory: byte order and padding do not count. */
function key(datatype: Datatype): string {
  switch (datatype.class) {
    case "compound": {
      const members = datatype.members.map(({ name, datatype: member }) => [name, key(member)]);
      return JSON.stringify(members);
    }
    case "array":
      return `${key(datatype.base)}[${datatype.shape.join()}]`;
    case "sequence":
      return `${key(datatype.base)}[]`;
    case "enumeration":
      return `${key(datatype.base)}<${JSON.stringify(datatype.names)}>`;
    case "opaque":
      return `opaque${datatype.size}${JSON.stringify(datatype.tag)}`;
    case "integer":
      return `${datatype.signed ? "i" : "u"}${datatype.size}`;
    default:
      return `${datatype.class}${datatype.size}`;
  }
}

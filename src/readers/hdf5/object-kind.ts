/**
 * What an object is, as its header tells.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Link } from "./link.ts";
import type { GraphFile, GraphObject, MutableObject } from "./object-graph.ts";
import { MESSAGE, type ObjectHeader } from "./object-header.ts";

const NO_MEMBERS = new Map<string, GraphObject | MoraineError>();
const NO_LINKS = new Map<string, Link>();

/** What an object is, by the messages of its header, in the library's order (`H5O__obj_class_real`). */
export function objectOf(file: GraphFile, header: ObjectHeader): MutableObject | MoraineError {
  const has = (...types: number[]): boolean => header.messages.some(({ type }) => types.includes(type));
  let kind: GraphObject["kind"];
  if (has(MESSAGE.symbolTable, MESSAGE.linkInfo)) kind = "group";
  else if (has(MESSAGE.datatype)) kind = has(MESSAGE.dataspace) ? "dataset" : "datatype";
  else {
    return new MoraineError("CorruptFile", "an object that is no group, dataset or datatype", {
      source: file.file.metadata.source,
      offset: file.file.metadata.base + header.address,
    });
  }
  // Datasets share the empty ones: there may be very many of them.
  const members = kind === "group" ? new Map<string, GraphObject | MoraineError>() : NO_MEMBERS;
  const links = kind === "group" ? new Map<string, Link>() : NO_LINKS;
  return { kind, in: file, header, attributes: [], members, links };
}

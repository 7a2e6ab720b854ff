/**
 * A dataset as its header describes it (specification 4.0, IV.A "Data Object Headers").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import { type DataLayout, type ExternalFiles, parseDataLayout, parseExternalFiles } from "./data-layout.ts";
import { type Dataspace, parseDataspace } from "./dataspace.ts";
import type { Datatype } from "./datatype.ts";
import { parseDatatype } from "./datatype-message.ts";
import { type FillValue, parseFillValue, parseOldFillValue } from "./fill-value-message.ts";
import { type Filter, parseFilterPipeline } from "./filter-pipeline.ts";
import type { GraphObject } from "./object-graph.ts";
import { findMessage, MESSAGE } from "./object-header.ts";

export interface Dataset {
  readonly object: GraphObject;
  readonly datatype: Datatype;
  readonly dataspace: Dataspace;
  readonly layout: DataLayout;
  /** Where external files hold the data of a contiguous layout. */
  readonly external: ExternalFiles | undefined;
  /** In the order of writing. */
  readonly filters: readonly Filter[];
  readonly fill: FillValue;
}

/** Bytes. A few bytes of a broken datatype must not become gigabytes of a fill value. */
const LARGEST_ELEMENT = 64 * 1024 * 1024;

/**
 * Errors: `CorruptFile`, `TruncatedFile`, `UnsupportedVersion`, `UnsupportedLayout`, `UnsupportedDataType`;
 * `LimitExceeded` for elements of more than 64 MiB.
 */
export function parseDataset(object: GraphObject): Dataset {
  const { file } = object.in;
  const { source } = file.metadata;
  const cursorOf = (type: number): Cursor | undefined => {
    const message = findMessage(object.header, type);
    return message && new Cursor(message.body, { source, start: message.offset });
  };
  const required = (type: number, name: string): Cursor => {
    const cursor = cursorOf(type);
    if (cursor) return cursor;
    throw new MoraineError("CorruptFile", `a dataset without ${name}`, {
      source,
      offset: file.metadata.base + object.header.address,
    });
  };
  const external = cursorOf(MESSAGE.externalFiles);
  const pipeline = cursorOf(MESSAGE.filterPipeline);
  const fill = cursorOf(MESSAGE.fillValue);
  const oldFill = fill ? undefined : cursorOf(MESSAGE.oldFillValue);
  const datatype = parseDatatype(required(MESSAGE.datatype, "datatype"));
  if (datatype.size > LARGEST_ELEMENT) {
    throw new MoraineError("LimitExceeded", `elements of ${datatype.size} bytes`, {
      source,
      offset: file.metadata.base + object.header.address,
    });
  }
  return {
    object,
    datatype,
    dataspace: parseDataspace(required(MESSAGE.dataspace, "dataspace"), file.metadata.lengthSize),
    layout: parseDataLayout(required(MESSAGE.dataLayout, "data layout"), file.metadata),
    external: external && parseExternalFiles(external, file.metadata),
    filters: pipeline ? parseFilterPipeline(pipeline) : [],
    fill: fill ? parseFillValue(fill) : oldFill ? parseOldFillValue(oldFill) : { kind: "default" },
  };
}

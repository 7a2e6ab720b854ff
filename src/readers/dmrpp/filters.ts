/**
 * The filters that chunks went through as Zarr codecs.
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import { MoraineError } from "../../errors.ts";
import { wholeNumber } from "./chunk-columns.ts";
import type { Element } from "./document.ts";

/** In this order they are applied, whatever order a document of an old program names them in. */
const USUAL_ORDER = ["shuffle", "deflate", "fletcher32"] as const;
/** What zlib takes where no level is given. */
const DEFAULT_LEVEL = 6;

/**
 * The codecs of `compressionType`, in the order of encoding.
 *
 * Errors: `UnsupportedFilter`; `InvalidMetadata` for levels that are none.
 *
 * @param elementSize bytes
 * @param ordered false for documents without a `dmrpp:version`, whose order means nothing
 */
export function filtersOf(
  { attributes }: Element,
  elementSize: number,
  ordered: boolean,
): CodecSpecification[] {
  const named = (attributes.get("compressionType") ?? "").split(/\s+/).filter(Boolean);
  const unknown = named.find((name) => !USUAL_ORDER.some((known) => known === name));
  if (unknown !== undefined)
    throw new MoraineError("UnsupportedFilter", `filter "${unknown}" is none of DMR++'s`);
  const levels = (attributes.get("deflateLevel") ?? attributes.get("deflate_level") ?? "")
    .split(/\s+/)
    .filter(Boolean);
  let deflates = 0;
  const names = ordered ? named : USUAL_ORDER.filter((name) => named.includes(name));
  return names.map((name): CodecSpecification => {
    if (name === "shuffle") return { name: "numcodecs.shuffle", configuration: { elementsize: elementSize } };
    if (name === "fletcher32") return { name: "numcodecs.fletcher32" };
    const text = levels[deflates++];
    const level = text === undefined ? DEFAULT_LEVEL : wholeNumber(text);
    if (level === undefined || level > 9)
      throw new MoraineError("InvalidMetadata", `"${text}" is no level of deflate`);
    return { name: "numcodecs.zlib", configuration: { level } };
  });
}

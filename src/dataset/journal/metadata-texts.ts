/**
 * Array metadata by their text: files of an archive are almost alike, and what is the same is held once.
 *
 * @module
 */

import { parseJson } from "../../binary/json.ts";
import { codecToJson } from "../../codecs/codec-list.ts";
import { isMoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { parseArrayMetadata } from "../../zarr/metadata-v3.ts";
import { isSameValue } from "./exact-json.ts";

/** Texts that are remembered; with 2 kB each about 40 MB. */
const REMEMBERED = 10_000;

/** An empty configuration of a codec and none are the same. */
function written(metadata: ArrayMetadata): unknown {
  return { ...metadata, codecs: metadata.codecs.map(codecToJson) };
}

export class MetadataTexts {
  readonly #known = new Map<string, ArrayMetadata>();

  /** Errors: as `parseArrayMetadata`. */
  parse(text: string): ArrayMetadata {
    const known = this.#known.get(text);
    if (known) return known;
    const metadata = parseArrayMetadata(parseJson(text));
    if (this.#known.size < REMEMBERED) this.#known.set(text, metadata);
    return metadata;
  }

  /** Whether a text gives exactly these metadata back. */
  keeps(text: string, metadata: ArrayMetadata): boolean {
    try {
      return isSameValue(written(this.parse(text)), written(metadata));
    } catch (error) {
      if (isMoraineError(error)) return false;
      throw error;
    }
  }
}

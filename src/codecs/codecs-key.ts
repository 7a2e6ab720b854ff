/**
 * Which codecs are the same to a decoder.
 *
 * @module
 */

import { stringifyJson } from "../binary/json.ts";
import type { CodecSpecification } from "./codec.ts";

/** Settings of compressors that only an encoder looks at. */
const ENCODER_SETTINGS: ReadonlySet<string> = new Set([
  "level",
  "clevel",
  "cname",
  "blocksize",
  "acceleration",
]);
const COMPRESSORS = /^(numcodecs\.)?(zlib|gzip|zstd|blosc|bz2|lzma|lz4)$/;

const keysOfCodecs = new WeakMap<readonly CodecSpecification[], string>();

/** Codecs as text that is the same where the same decoder reads both; remembered. */
export function codecsKey(codecs: readonly CodecSpecification[]): string {
  const known = keysOfCodecs.get(codecs);
  if (known !== undefined) return known;
  const key = keyOfCodecs(codecs);
  keysOfCodecs.set(codecs, key);
  return key;
}

function keyOfCodecs(codecs: readonly CodecSpecification[]): string {
  return codecs
    .map(({ name, configuration = {} }) => {
      const kept = Object.entries(configuration).filter(
        ([key, value]) =>
          value !== null &&
          !(
            COMPRESSORS.test(name) &&
            (ENCODER_SETTINGS.has(key) || (name.endsWith("blosc") && key !== "name"))
          ),
      );
      const settings = kept.map(([key, value]) => `${key}=${stringifyJson(value)}`).sort();
      const plain = name.replace(/^numcodecs\./, "");
      return settings.length > 0 ? `${plain}(${settings.join(" ")})` : plain;
    })
    .join(" | ");
}

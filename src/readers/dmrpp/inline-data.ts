/**
 * Values that a document holds itself: `dmrpp:compact`, `dmrpp:missingdata`, `dmrpp:vlsa`.
 *
 * @module
 */

import { decodeBase64 } from "../../binary/base64.ts";
import { native } from "../../codecs/native.ts";
import { encodeTexts } from "../../codecs/variable-length.ts";
import { MoraineError } from "../../errors.ts";
import { wholeNumber } from "./chunk-columns.ts";
import type { Element } from "./document.ts";

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Of one text that is inflated, and of all texts of a variable. */
const MOST_BYTES = 2 ** 28;

/** The bytes of an element in base64. Errors: `InvalidMetadata`. */
function base64Of({ name, text }: Element): Uint8Array {
  const bytes = decodeBase64(text.replace(/\s+/g, ""));
  if (bytes === undefined) throw new MoraineError("InvalidMetadata", `${name} holds no base64`);
  return bytes;
}

/**
 * The numbers of `dmrpp:missingdata`: deflated, but for a single one; of `dmrpp:compact`: as they are. Little-endian.
 *
 * Errors: `InvalidMetadata` for another number of bytes than the variable has; `CorruptChunk`.
 *
 * @param expected bytes of the variable
 * @param isSingle whether it has one element
 */
export function inlineNumbers(element: Element, expected: number, isSingle: boolean): Uint8Array {
  const stored = base64Of(element);
  const bytes =
    element.name === "dmrpp:compact" || isSingle ? stored : native.deflate.inflate(stored, "zlib", expected);
  if (bytes.length !== expected) {
    throw new MoraineError(
      "InvalidMetadata",
      `${element.name} holds ${bytes.length} bytes instead of ${expected}`,
    );
  }
  return bytes;
}

/**
 * The texts of `dmrpp:vlsa`, encoded as `vlen-utf8`: each `v` stands `c` times; one with a size `s` is deflated.
 *
 * Errors: `InvalidMetadata` for another number of texts; `LimitExceeded` for more than 256 MiB of them; `CorruptChunk`.
 */
export function inlineTexts({ children }: Element, expected: number): Uint8Array {
  const texts: string[] = [];
  let bytes = 0;
  for (const element of children) {
    const { name, attributes, text } = element;
    if (name !== "v" && name !== "dmrpp:v") continue;
    const count = wholeNumber(attributes.get("c") ?? "1");
    if (count === undefined || texts.length + count > expected) throw wrongNumber(expected);
    const value = attributes.has("s") ? inflated(element) : text;
    bytes += count * (4 + value.length);
    if (bytes > MOST_BYTES) throw new MoraineError("LimitExceeded", "too many texts in one dmrpp:vlsa");
    for (let index = 0; index < count; index++) texts.push(value);
  }
  if (texts.length !== expected) throw wrongNumber(expected);
  return encodeTexts(texts);
}

/** The text of a `dmrpp:compact`, encoded as `vlen-utf8`. Errors: `UnsupportedLayout` for several in one element. */
export function compactText(element: Element, count: number): Uint8Array {
  if (count !== 1) throw new MoraineError("UnsupportedLayout", "several texts in one dmrpp:compact");
  try {
    return encodeTexts([TEXT.decode(base64Of(element)).replace(/\0.*$/s, "")]);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", "the text of dmrpp:compact is not UTF-8", { cause });
  }
}

function wrongNumber(expected: number): MoraineError {
  return new MoraineError("InvalidMetadata", `dmrpp:vlsa does not hold ${expected} texts`);
}

function inflated(element: Element): string {
  const bytes = base64Of(element);
  const expected = wholeNumber(element.attributes.get("s"));
  if (expected === undefined || expected > MOST_BYTES) {
    throw new MoraineError("InvalidMetadata", "a text of dmrpp:vlsa without a usable size");
  }
  const plain = native.deflate.inflate(bytes, "zlib", expected);
  if (plain.length !== expected)
    throw new MoraineError("InvalidMetadata", "a text of dmrpp:vlsa of another size");
  try {
    return TEXT.decode(plain);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", "a text of dmrpp:vlsa is not UTF-8", { cause });
  }
}

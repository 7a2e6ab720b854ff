/**
 * Text in ISO 8859-1: a character for each byte. `TextDecoder` knows no such encoding; what it calls "latin1" is
 * windows-1252, which has other characters at 0x80 to 0x9f.
 *
 * @module
 */

/** Arguments of a call, of which engines allow some ten thousands. */
const BATCH = 8192;

/** The characters U+0000 to U+00FF that the bytes number. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BATCH) {
    text += String.fromCharCode(...bytes.subarray(at, at + BATCH));
  }
  return text;
}

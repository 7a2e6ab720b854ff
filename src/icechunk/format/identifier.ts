/**
 * Identifiers of snapshots, manifests, chunks (12 random bytes) and nodes (8 random bytes), and their text in
 * Crockford's base 32 (Icechunk specification, "Object ids").
 *
 * In memory an identifier is its canonical text. The alphabet ascends in ASCII and bits are taken from the most
 * significant end, so texts compare as their bytes do.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

/** 20 characters: a snapshot, manifest, chunk object or transaction log. */
export type ObjectId = string;
/** 13 characters: a group or array, stable for its life, moves included. */
export type NodeId = string;

export const OBJECT_ID_BYTES = 12;
export const NODE_ID_BYTES = 8;

/** The first snapshot of every repository since version 1.0. */
export const INITIAL_SNAPSHOT_ID: ObjectId = "1CECHNKREP0F1RSTCMT0";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const NO_DIGIT = 255;
/** Values of ASCII characters as digits. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (const [value, character] of [...ALPHABET].entries()) {
  DIGITS[character.charCodeAt(0)] = value;
  DIGITS[character.toLowerCase().charCodeAt(0)] = value;
}
// Crockford's tolerance for what people misread.
for (const [misread, value] of [
  ["IiLl", 1],
  ["Oo", 0],
] as const) {
  for (const character of misread) DIGITS[character.charCodeAt(0)] = value;
}

/** Codes of the characters of digits. */
const CHARACTERS = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));

/** The text of an identifier: no padding, zero bits appended on the right. */
export function encodeIdentifier(bytes: Uint8Array): string {
  // Made in one piece: texts that grow by a character at a time are put together anew when a map looks at them.
  const characters: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = 0; i < bytes.length; i++) {
    held = (held << 8) | (bytes[i] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      characters.push(CHARACTERS[(held >> bits) & 31] ?? 0);
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) characters.push(CHARACTERS[(held << (5 - bits)) & 31] ?? 0);
  return String.fromCharCode(...characters);
}

/**
 * The bytes of an identifier's text.
 *
 * Errors: `InvalidArgument` where the text is no identifier of that many bytes.
 */
export function decodeIdentifier(text: string, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  if (text.length !== Math.ceil((byteLength * 8) / 5)) throw notAnIdentifier(text, byteLength);
  let at = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = DIGITS[text.charCodeAt(i)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) throw notAnIdentifier(text, byteLength);
    held = (held << 5) | digit;
    bits += 5;
    if (bits >= 8 && at < byteLength) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
      held &= (1 << bits) - 1;
    }
  }
  return bytes;
}

function notAnIdentifier(text: string, byteLength: number): MoraineError {
  return new MoraineError("InvalidArgument", `"${text}" is no identifier of ${byteLength} bytes`);
}

/** Whether a text can be the identifier of a snapshot. */
export function isObjectId(text: string): boolean {
  if (text.length !== 20) return false;
  for (let i = 0; i < 20; i++) if ((DIGITS[text.charCodeAt(i)] ?? NO_DIGIT) === NO_DIGIT) return false;
  return true;
}

export function randomObjectId(): ObjectId {
  return encodeIdentifier(crypto.getRandomValues(new Uint8Array(OBJECT_ID_BYTES)));
}

export function randomNodeId(): NodeId {
  return encodeIdentifier(crypto.getRandomValues(new Uint8Array(NODE_ID_BYTES)));
}

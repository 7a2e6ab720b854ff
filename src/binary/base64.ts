/**
 * Base64 (RFC 4648, section 4) on every platform.
 *
 * @module
 */

import { latin1Text } from "./latin1.ts";

/** The bytes, or undefined where the text is no base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** The text, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(latin1Text(bytes));
}

/**
 * Files of packages by their URLs, which Node's `fetch` does not read.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The bytes of a file. */
export async function readFileUrl(url: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(fileURLToPath(url)));
}

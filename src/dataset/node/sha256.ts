/**
 * SHA-256 by Node's OpenSSL.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Sha256 } from "../../binary/sha256.ts";

/** Begins a hash. */
export function nodeSha256(): Sha256 {
  const hash = createHash("sha256");
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest("hex"),
  };
}

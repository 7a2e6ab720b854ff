/**
 * Compressors that a platform brings or that must be brought along: chosen once, by the entry that is imported.
 *
 * @module
 */

import { portableDeflate } from "./portable-deflate.ts";
import { wasmZstd } from "./wasm-zstd.ts";

/** Which frame stands around deflated bytes (RFC 1950, RFC 1952, none). */
export type DeflateFormat = "zlib" | "gzip" | "raw";

/** Deflate (RFC 1951). Decoders verify the frame's checksum and give at most `maximum` bytes. */
export interface Deflate {
  inflate(bytes: Uint8Array, format: DeflateFormat, maximum: number): Uint8Array;
  deflate(bytes: Uint8Array, format: DeflateFormat, level: number): Uint8Array;
  /** Decodes to exactly the bytes of `target`. False where that cannot be done here; `target` may hold anything then. */
  inflateInto?(bytes: Uint8Array, format: DeflateFormat, target: Uint8Array): boolean;
  inflateAsync?(bytes: Uint8Array, format: DeflateFormat, maximum: number): Promise<Uint8Array>;
  deflateAsync?(bytes: Uint8Array, format: DeflateFormat, level: number): Promise<Uint8Array>;
}

/** Zstandard (RFC 8878). Decoders verify the checksum where there is one and give at most `maximum` bytes. */
export interface Zstd {
  /** To be awaited before anything else, or before decoding only. */
  ready(only?: "decode"): Promise<void>;
  decompress(bytes: Uint8Array, maximum: number): Uint8Array;
  /**
   * Decodes to exactly the bytes of `target`. False where that cannot be done here, and nothing was.
   */
  decompressInto?(bytes: Uint8Array, target: Uint8Array): boolean;
  compress(bytes: Uint8Array, level: number, checksum: boolean): Uint8Array;
  decompressAsync?(bytes: Uint8Array, maximum: number): Promise<Uint8Array>;
  compressAsync?(bytes: Uint8Array, level: number, checksum: boolean): Promise<Uint8Array>;
}

/** What is in use. */
export const native: {
  deflate: Deflate;
  zstd: Zstd;
  /** Frees the memory of an array that nobody will look at again, before the garbage collector would. */
  release: (bytes: Uint8Array) => void;
} = { deflate: portableDeflate, zstd: wasmZstd, release: () => undefined };

/** Puts a platform's own compressors in place. Called by `node.ts`. */
export function useNativeCodecs(codecs: {
  readonly deflate?: Deflate;
  readonly zstd?: Zstd | undefined;
  readonly release?: (bytes: Uint8Array) => void;
}): void {
  if (codecs.deflate) native.deflate = codecs.deflate;
  if (codecs.zstd) native.zstd = codecs.zstd;
  if (codecs.release) native.release = codecs.release;
}

import { expect, it, vi } from "vitest";
import { wasmZstd } from "../../src/codecs/wasm-zstd.ts";

// As in an engine whose WebAssembly has no vectors.
vi.mock("../../src/codecs/wasm-module.ts", () => ({ wasmExports: () => undefined }));

it("zstd's frames are decoded by the library where our module cannot run", async () => {
  await wasmZstd.ready("decode");
  const content = Uint8Array.from({ length: 5000 }, (_, at) => (at * at) >> 7);
  const frame = wasmZstd.compress(content, 3, true);
  expect(wasmZstd.decompressInto?.(frame, new Uint8Array(content.length))).toBe(false);
  expect(wasmZstd.decompress(frame, content.length)).toEqual(content);
  const damaged = frame.slice();
  damaged[frame.length - 1] = (damaged[frame.length - 1] ?? 0) ^ 1;
  expect(() => wasmZstd.decompress(damaged, content.length)).toThrow(
    expect.objectContaining({ code: "ChecksumMismatch" }),
  );
});

/**
 * The public API with what Node adds: local files, S3, native compressors and hashes.
 *
 * @module
 */

import { useNativeSha256 } from "./binary/sha256.ts";
import { useDecodingThreads } from "./codecs/decoding-threads.ts";
import { useNativeCodecs } from "./codecs/native.ts";
import { decodingThreads } from "./codecs/node/decoding-threads.ts";
import { releaseMemory } from "./codecs/node/release-memory.ts";
import { nodeWasmZstd } from "./codecs/node/wasm-zstd.ts";
import { nodeDeflate, nodeZstd } from "./codecs/node/zlib.ts";
import { useScanThreads } from "./dataset/journal/scan-threads.ts";
import { readPlugin } from "./dataset/node/filter-plugins.ts";
import { decodeInThread } from "./dataset/node/library-thread.ts";
import { scanThreads } from "./dataset/node/scan-threads.ts";
import { nodeSha256 } from "./dataset/node/sha256.ts";
import { useWorkingFolder } from "./dataset/open.ts";
import { setPluginLoader } from "./readers/hdf5/decoding/filter-plugins.ts";
import { useLibraryDecoder } from "./readers/hdf5/decoding/h5wasm-decoder.ts";
import { FileStorage } from "./storage/file/file-storage.ts";
import { useTransport } from "./storage/http/transport.ts";
import { nodeTransport } from "./storage/node/node-transport.ts";
import { registerScheme } from "./storage/router.ts";

useNativeSha256(nodeSha256);
setPluginLoader(readPlugin);
// Sources that run as they are (tests) have no compiled file for a thread to run.
if (!import.meta.url.endsWith(".ts")) {
  useLibraryDecoder(decodeInThread);
  useDecodingThreads(decodingThreads);
  useScanThreads(scanThreads);
}
useNativeCodecs({ deflate: nodeDeflate, zstd: nodeZstd ?? nodeWasmZstd, release: releaseMemory });
useTransport(nodeTransport);
useWorkingFolder(() => process.cwd());
registerScheme("file", (_options, onEvent) => new FileStorage(onEvent));

export * from "./index.ts";

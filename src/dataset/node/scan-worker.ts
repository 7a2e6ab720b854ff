/**
 * The other end of `scan-threads.ts`: a thread that scans sources.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { useNativeSha256 } from "../../binary/sha256.ts";
import { useNativeCodecs } from "../../codecs/native.ts";
import { nodeWasmZstd } from "../../codecs/node/wasm-zstd.ts";
import { nodeDeflate, nodeZstd } from "../../codecs/node/zlib.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageEvent } from "../../storage/events.ts";
import { FileStorage } from "../../storage/file/file-storage.ts";
import { useTransport } from "../../storage/http/transport.ts";
import { nodeTransport } from "../../storage/node/node-transport.ts";
import { registerScheme, StorageRouter } from "../../storage/router.ts";
import { AlikeMetadata } from "../journal/alike-metadata.ts";
import { scanSource } from "../journal/scan-source.ts";
import { plainError, type ScannedError } from "../journal/scanned-file.ts";
import type { ScanAnswer, ScanJob, ScanSettings } from "./scan-threads.ts";
import { ScanSender, type SentScan } from "./sent-scan.ts";
import { nodeSha256 } from "./sha256.ts";

useNativeSha256(nodeSha256);
useNativeCodecs({ deflate: nodeDeflate, zstd: nodeZstd ?? nodeWasmZstd });
useTransport(nodeTransport);
registerScheme("file", (_options, onEvent) => new FileStorage(onEvent));

const settings: ScanSettings = workerData;
let events: StorageEvent[] = [];
let rounds = 0;
const storage = new StorageRouter({ ...settings, onEvent: (event) => void events.push(event) });
const sender = new ScanSender(new AlikeMetadata());

async function scan(address: string): Promise<SentScan | undefined> {
  const found = await scanSource(address, { ...settings, storage });
  if (found.kind === "scanned") return sender.send(found.file);
  await found.source.close();
  return undefined;
}

function answer(result: Pick<ScanAnswer, "id" | "scan" | "error">): void {
  const all: ScanAnswer = { ...result, events, rounds: storage.statistics.rounds - rounds };
  events = [];
  rounds = storage.statistics.rounds;
  parentPort?.postMessage(all);
}

parentPort?.on("message", ({ id, address }: ScanJob) => {
  scan(address).then(
    (found) => answer({ id, scan: found }),
    (error: unknown) => answer({ id, error: errorOf(error, address) }),
  );
});

function errorOf(error: unknown, address: string): ScannedError {
  if (isMoraineError(error)) return plainError(error);
  const message = error instanceof Error ? error.message : String(error);
  // The platform's own word for what it has no memory for.
  const code = error instanceof RangeError ? "LimitExceeded" : "StorageFailed";
  return plainError(new MoraineError(code, message, { source: address }));
}

answer({});

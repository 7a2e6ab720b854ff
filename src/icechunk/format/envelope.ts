/**
 * The 39 bytes before the payload of every binary file: what kind of file it is, of which version of the
 * specification and by whom (Icechunk specification, "Header").
 *
 * @module
 */

import { concatenateBytes } from "../../binary/byte-sequences.ts";
import { MoraineError } from "../../errors.ts";
import { compress, decompress, decompressFirst, withoutContentSize } from "./compression.ts";

/** Kinds of files, as the header numbers them. */
export const FILE_TYPE = { snapshot: 1, manifest: 2, transactionLog: 4, repository: 6 } as const;
export type FileType = (typeof FILE_TYPE)[keyof typeof FILE_TYPE];

/** The version of the specification that is written. */
export const SPEC_VERSION = 2;

const HEADER_BYTES = 39;
/** "ICE🧊CHUNK" */
const MAGIC = Uint8Array.of(0x49, 0x43, 0x45, 0xf0, 0x9f, 0xa7, 0x8a, 0x43, 0x48, 0x55, 0x4e, 0x4b);
/** Who wrote the file, filled up with spaces. */
const NAME = new TextEncoder().encode("moraine".padEnd(24));
const NAMES: { readonly [type: number]: string } = {
  1: "snapshot",
  2: "manifest",
  4: "transaction log",
  6: "repository",
};
const COMPRESSION = { none: 0, zstd: 1 } as const;

/** A file without its header: the FlatBuffer, and the version whose rules hold for it. */
export interface Payload {
  readonly specVersion: number;
  readonly bytes: Uint8Array;
}

/**
 * Takes the payload out of a file.
 *
 * Errors: `CorruptFile` where it is no file of this type, `UnsupportedVersion` where it is of a later version,
 * `LimitExceeded` where it would unpack to more than any honest file of its size.
 */
export async function openEnvelope(file: Uint8Array, type: FileType, source: string): Promise<Payload> {
  const payload = payloadOf(file, type, source);
  const specVersion = file[36] ?? 0;
  if (file[38] === COMPRESSION.none) return { specVersion, bytes: payload };
  return { specVersion, bytes: await decompress(payload, source) };
}

/**
 * The first part of a payload, and all of it when that is asked for, with the same errors.
 *
 * Errors: as {@link openEnvelope}.
 */
export async function openFirstFrame(
  file: Uint8Array,
  type: FileType,
  source: string,
): Promise<{ readonly first: Uint8Array; readonly all: (() => Uint8Array) | undefined }> {
  const payload = payloadOf(file, type, source);
  if (file[38] === COMPRESSION.none) return { first: payload, all: undefined };
  return decompressFirst(payload, source);
}

/** The payload as it is packed. Errors: as {@link openEnvelope}. */
export function payloadOf(file: Uint8Array, type: FileType, source: string): Uint8Array {
  const fail = (message: string, offset: number): MoraineError =>
    new MoraineError("CorruptFile", message, { source, offset });
  if (file.length < HEADER_BYTES) {
    throw new MoraineError("TruncatedFile", `${file.length} bytes are no Icechunk file`, {
      source,
      offset: 0,
    });
  }
  if (MAGIC.some((byte, i) => file[i] !== byte)) throw fail("not an Icechunk file", 0);
  const specVersion = file[36] ?? 0;
  if (specVersion < 1) throw fail(`version ${specVersion} of the specification`, 36);
  if (specVersion > SPEC_VERSION) {
    throw new MoraineError(
      "UnsupportedVersion",
      `version ${specVersion} of Icechunk's specification is newer than 2`,
      {
        source,
        offset: 36,
      },
    );
  }
  const found = file[37] ?? 0;
  if (found !== type) {
    throw fail(`a ${NAMES[found] ?? `file of type ${found}`} where a ${NAMES[type]} is expected`, 37);
  }
  if (file[38] !== COMPRESSION.none && file[38] !== COMPRESSION.zstd)
    throw fail(`compression ${file[38]} is not known`, 38);
  return file.subarray(HEADER_BYTES);
}

/** Whether a file was written by this, and packed. */
export function isOurs(file: Uint8Array): boolean {
  return file[38] === COMPRESSION.zstd && NAME.every((byte, i) => file[MAGIC.length + i] === byte);
}

/** @param level of zstd's compression */
export async function sealEnvelope(
  flatBuffer: Uint8Array,
  type: FileType,
  level: number,
): Promise<Uint8Array> {
  return sealFrames(await compress(flatBuffer, level), type);
}

/** A file of a payload that is packed already. */
export function sealFrames(frames: readonly Uint8Array[], type: FileType): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  header.set(NAME, MAGIC.length);
  header[36] = SPEC_VERSION;
  header[37] = type;
  // Official readers accept nothing but zstd here.
  header[38] = COMPRESSION.zstd;
  const [first, ...rest] = frames;
  if (first === undefined || rest.length === 0) return concatenateBytes([header, ...frames]);
  return concatenateBytes([header, withoutContentSize(first), ...rest]);
}

/**
 * The 39 bytes before the payload of every binary file: what kind of file it is, of which version of the
 * specification and by whom (Icechunk specification, "Header").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { compress, decompress } from "./compression.ts";

/** Kinds of files, as the header numbers them. */
export const FILE_TYPE = { snapshot: 1, manifest: 2, transactionLog: 4, repository: 6 } as const;
export type FileType = (typeof FILE_TYPE)[keyof typeof FILE_TYPE];

/** The version of the specification that is written. */
export const SPEC_VERSION = 2;

const HEADER_BYTES = 39;
/** "ICE🧊CHUNK" */
const MAGIC = Uint8Array.of(0x49, 0x43, 0x45, 0xf0, 0x9f, 0xa7, 0x8a, 0x43, 0x48, 0x55, 0x4e, 0x4b);
const IMPLEMENTATION = "moraine";
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
  const payload = file.subarray(HEADER_BYTES);
  if (file[38] === COMPRESSION.none) return { specVersion, bytes: payload };
  if (file[38] !== COMPRESSION.zstd) throw fail(`compression ${file[38]} is not known`, 38);
  return { specVersion, bytes: await decompress(payload, source) };
}

/** @param level of zstd's compression */
export async function sealEnvelope(
  flatBuffer: Uint8Array,
  type: FileType,
  level: number,
): Promise<Uint8Array> {
  const payload = await compress(flatBuffer, level);
  let length = HEADER_BYTES;
  for (const frame of payload) length += frame.length;
  const file = new Uint8Array(length);
  file.set(MAGIC);
  file.fill(0x20, 12, 36);
  file.set(new TextEncoder().encode(IMPLEMENTATION), 12);
  file[36] = SPEC_VERSION;
  file[37] = type;
  // Official readers accept nothing but zstd here.
  file[38] = COMPRESSION.zstd;
  let at = HEADER_BYTES;
  for (const frame of payload) {
    file.set(frame, at);
    at += frame.length;
  }
  return file;
}

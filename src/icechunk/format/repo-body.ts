/**
 * The body of a `repo` file: texts, metadata and operations, to which is only added. Its frames are taken over as they
 * are packed already.
 *
 * @module
 */

import { compress, type DecompressedFrame, FRAME_BYTES } from "./compression.ts";
import { FlatBufferWriter } from "./flatbuffer-writer.ts";
import { decodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";
import { writeMetadataItems } from "./metadata.ts";
import type { SnapshotInfo } from "./stored-snapshots.ts";
import { type Update, writeUpdate } from "./update.ts";

/** A frame of the body is packed anew until it holds so many bytes. */
const FULL_FRAME_BYTES = 16 * 1024;

export interface BodyFrame {
  /** Bytes of the body that it holds. */
  readonly length: number;
  readonly packed: Uint8Array;
}

export function frameOf({ content, packed }: DecompressedFrame): BodyFrame {
  return { length: content.length, packed };
}

/**
 * Packs what of a body is not packed yet.
 *
 * @param packed frames of its first bytes
 */
export async function packBody(
  body: Uint8Array,
  packed: readonly BodyFrame[],
  compressionLevel: number,
): Promise<BodyFrame[]> {
  const frames = [...packed];
  if ((frames.at(-1)?.length ?? FULL_FRAME_BYTES) < FULL_FRAME_BYTES) frames.pop();
  const done = frames.reduce((total, { length }) => total + length, 0);
  const rest = body.subarray(done);
  let at = 0;
  for (const bytes of rest.length === 0 ? [] : await compress(rest, compressionLevel)) {
    const length = Math.min(FRAME_BYTES, rest.length - at);
    frames.push({ length, packed: bytes });
    at += length;
  }
  return frames;
}

/** Writes bytes that go to the end of the body, and gives their places among these. */
export class BodyWriter {
  readonly #writer: FlatBufferWriter;
  /** Where the offset to what is written is put; nobody reads it. */
  readonly #slot: number;

  constructor(capacity: number) {
    this.#writer = new FlatBufferWriter(capacity);
    this.#slot = this.#writer.reserve(8);
  }

  update(update: Update): number {
    return this.#place((from) => writeUpdate(this.#writer, from, update));
  }

  snapshot({ message, metadata, flushedAt, prunedAncestorLogs }: SnapshotInfo): {
    message: number;
    metadata: number;
    flushedAt: number;
    pruned: number;
  } {
    return {
      message: this.#writer.text(message),
      metadata: this.#place((from) => writeMetadataItems(this.#writer, from, metadata)),
      flushedAt,
      pruned: prunedAncestorLogs.length === 0 ? 0 : this.#identifiers(prunedAncestorLogs),
    };
  }

  finish(): Uint8Array {
    this.#writer.reserve(0, 8);
    return this.#writer.finish();
  }

  #identifiers(ids: readonly ObjectId[]): number {
    return this.#place((from) => {
      const vector = this.#writer.vector(from, ids.length, OBJECT_ID_BYTES);
      ids.forEach((id, i) => {
        this.#writer.set(vector + OBJECT_ID_BYTES * i, decodeIdentifier(id, OBJECT_ID_BYTES));
      });
    });
  }

  #place(write: (from: number) => void): number {
    write(this.#slot);
    return this.#slot + this.#writer.view.getUint32(this.#slot, true);
  }
}

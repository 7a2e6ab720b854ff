/**
 * Transaction logs: what each snapshot changed. Rebase and diff read them instead of comparing snapshots
 * (Icechunk specification, "Transaction logs").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { FILE_TYPE, openEnvelope, sealEnvelope } from "./envelope.ts";
import { FlatBufferReader } from "./flatbuffer-reader.ts";
import { FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import {
  decodeIdentifier,
  encodeIdentifier,
  NODE_ID_BYTES,
  type NodeId,
  OBJECT_ID_BYTES,
  type ObjectId,
} from "./identifier.ts";
import { compareIdentifiers, comparePathsByName } from "./order.ts";
import { requireOwnIdentifier } from "./own-identifier.ts";

/** Coordinates of chunks: `rank` numbers each, one after another, ascending and unique. */
export interface ChunkCoordinates {
  readonly rank: number;
  readonly count: number;
  readonly coordinates: Uint32Array;
}

export interface Move {
  readonly from: string;
  readonly to: string;
  readonly nodeId: NodeId;
  readonly kind: "group" | "array";
}

export interface TransactionLog {
  readonly newGroups: ReadonlySet<NodeId>;
  readonly newArrays: ReadonlySet<NodeId>;
  readonly deletedGroups: ReadonlySet<NodeId>;
  readonly deletedArrays: ReadonlySet<NodeId>;
  readonly updatedArrays: ReadonlySet<NodeId>;
  readonly updatedGroups: ReadonlySet<NodeId>;
  /** Chunks that were set or deleted. */
  readonly updatedChunks: ReadonlyMap<NodeId, ChunkCoordinates>;
  readonly moves: readonly Move[];
}

export const EMPTY_TRANSACTION_LOG: TransactionLog = {
  newGroups: new Set(),
  newArrays: new Set(),
  deletedGroups: new Set(),
  deletedArrays: new Set(),
  updatedArrays: new Set(),
  updatedGroups: new Set(),
  updatedChunks: new Map(),
  moves: [],
};

const NODE_ID = { struct: NODE_ID_BYTES } as const;
const LOG = tableLayout(
  [
    ["id", { struct: OBJECT_ID_BYTES }],
    ["newGroups", "offset"],
    ["newArrays", "offset"],
    ["deletedGroups", "offset"],
    ["deletedArrays", "offset"],
    ["updatedArrays", "offset"],
    ["updatedGroups", "offset"],
    ["updatedChunks", "offset"],
    ["moves", "offset"],
  ],
  "id",
  "newGroups",
  "newArrays",
  "deletedGroups",
  "deletedArrays",
  "updatedArrays",
  "updatedGroups",
  "updatedChunks",
  "moves",
);
const ARRAY_CHUNKS = tableLayout(
  [
    ["node", NODE_ID],
    ["chunks", "offset"],
  ],
  "node",
  "chunks",
);
const INDICES = tableLayout([["coordinates", "offset"]], "coordinates");
const MOVE = tableLayout(
  [
    ["from", "offset"],
    ["to", "offset"],
    ["node", NODE_ID],
    ["kind", "u8"],
  ],
  "from",
  "to",
  "node",
  "kind",
);
/** Official readers verify at most 50 million tables, of which each chunk is one, and each array and the log. */
const MAX_CHUNKS = 49_000_000;
/** The id lists in the order of the schema, from slot 1. */
const LISTS = [
  "newGroups",
  "newArrays",
  "deletedGroups",
  "deletedArrays",
  "updatedArrays",
  "updatedGroups",
] as const;

/** Reads the transaction log of a snapshot. Errors: as {@link openEnvelope}, `CorruptFile`. */
export async function readTransactionLog(
  file: Uint8Array,
  source: string,
  id: ObjectId,
): Promise<TransactionLog> {
  const { bytes } = await openEnvelope(file, FILE_TYPE.transactionLog, source);
  const reader = new FlatBufferReader(bytes, source);
  const root = reader.root();
  requireOwnIdentifier(reader, id, "this transaction log");
  const arrays = reader.requiredVector(root, 7, 4, "updated chunks");
  const updatedChunks = new Map<NodeId, ChunkCoordinates>();
  for (let i = 0; i < arrays.count; i++) {
    const table = reader.follow(arrays.start + 4 * i);
    updatedChunks.set(
      readNodeId(reader, reader.required(table, 0, "a node's id")),
      readChunks(reader, table),
    );
  }
  return {
    newGroups: readNodeIds(reader, root, 1),
    newArrays: readNodeIds(reader, root, 2),
    deletedGroups: readNodeIds(reader, root, 3),
    deletedArrays: readNodeIds(reader, root, 4),
    updatedArrays: readNodeIds(reader, root, 5),
    updatedGroups: readNodeIds(reader, root, 6),
    updatedChunks,
    moves: readMoves(reader, root),
  };
}

function readNodeId(reader: FlatBufferReader, at: number): NodeId {
  return encodeIdentifier(reader.slice(at, NODE_ID_BYTES));
}

function readNodeIds(reader: FlatBufferReader, root: number, slot: number): Set<NodeId> {
  const vector = reader.requiredVector(root, slot, NODE_ID_BYTES, "a list of nodes");
  reader.charge(NODE_ID_BYTES * vector.count);
  const ids = new Set<NodeId>();
  for (let i = 0; i < vector.count; i++) ids.add(readNodeId(reader, vector.start + NODE_ID_BYTES * i));
  return ids;
}

function readChunks(reader: FlatBufferReader, table: number): ChunkCoordinates {
  const chunks = reader.requiredVector(table, 1, 4, "chunks");
  reader.charge(32 + 4 * chunks.count);
  let rank = 0;
  let coordinates = new Uint32Array(0);
  for (let i = 0; i < chunks.count; i++) {
    const indices = reader.requiredVector(reader.follow(chunks.start + 4 * i), 0, 4, "coordinates");
    if (i === 0) {
      rank = indices.count;
      // As many as there are references, each of which takes its place in the file.
      reader.charge(4 * rank * chunks.count);
      coordinates = new Uint32Array(rank * chunks.count);
    }
    if (indices.count !== rank) throw reader.corrupt(`${indices.count} coordinates beside ${rank}`, table);
    for (let k = 0; k < rank; k++) coordinates[i * rank + k] = reader.u32(indices.start + 4 * k);
  }
  return { rank, count: chunks.count, coordinates };
}

function readMoves(reader: FlatBufferReader, root: number): Move[] {
  const vector = reader.vector(root, 8, 4);
  const moves: Move[] = [];
  for (let i = 0; vector && i < vector.count; i++) {
    const table = reader.follow(vector.start + 4 * i);
    reader.charge(32);
    moves.push({
      from: reader.requiredString(table, 0, "where a node was"),
      to: reader.requiredString(table, 1, "where a node went"),
      nodeId: readNodeId(reader, reader.required(table, 2, "a node's id")),
      kind: reader.u8Field(table, 3, 0) === 1 ? "array" : "group",
    });
  }
  return moves;
}

/** Refuses a log of so many chunks that official readers could not read it. Errors: `LimitExceeded`. */
export function requireReadable(updatedChunks: Iterable<{ readonly count: number }>): void {
  const chunkCount = [...updatedChunks].reduce((total, { count }) => total + count, 0);
  if (chunkCount <= MAX_CHUNKS) return;
  throw new MoraineError(
    "LimitExceeded",
    `${chunkCount} changed chunks in one log, more than the ${MAX_CHUNKS} that official readers take: make several commits`,
  );
}

/** Writes the transaction log of a snapshot. Errors: `LimitExceeded` beyond 2 GiB, or what official readers take. */
export async function writeTransactionLog(
  id: ObjectId,
  log: TransactionLog,
  compressionLevel: number,
): Promise<Uint8Array> {
  requireReadable(log.updatedChunks.values());
  let capacity = 1024;
  for (const { rank, count } of log.updatedChunks.values()) capacity += 64 + count * (16 + 4 * rank);
  for (const list of LISTS) capacity += 8 * log[list].size;
  const writer = new FlatBufferWriter(capacity);
  const root = writer.root(LOG);
  writer.set(root + LOG.at.id, decodeIdentifier(id, OBJECT_ID_BYTES));
  for (const list of LISTS) {
    const ids = [...log[list]].sort(compareIdentifiers);
    const vector = writer.vector(root + LOG.at[list], ids.length, NODE_ID_BYTES);
    ids.forEach((nodeId, i) => {
      writer.set(vector + NODE_ID_BYTES * i, decodeIdentifier(nodeId, NODE_ID_BYTES));
    });
  }
  const arrays = [...log.updatedChunks].sort(([a], [b]) => compareIdentifiers(a, b));
  const vector = writer.vector(root + LOG.at.updatedChunks, arrays.length, 4);
  arrays.forEach(([nodeId, chunks], i) => {
    const table = writer.table(ARRAY_CHUNKS, vector + 4 * i);
    writer.set(table + ARRAY_CHUNKS.at.node, decodeIdentifier(nodeId, NODE_ID_BYTES));
    writeChunks(writer, table + ARRAY_CHUNKS.at.chunks, chunks);
  });
  writeMoves(writer, root + LOG.at.moves, log.moves);
  return sealEnvelope(writer.finish(), FILE_TYPE.transactionLog, compressionLevel);
}

/** A table and a vector a chunk, laid out in one stretch: this is called with millions. */
function writeChunks(writer: FlatBufferWriter, from: number, chunks: ChunkCoordinates): void {
  const { rank, count, coordinates } = chunks;
  const slots = writer.vector(from, count, 4);
  if (count === 0) return;
  const vtable = writer.vtable(INDICES);
  const stride = INDICES.size + 4 + 4 * rank;
  const start = writer.reserve(stride * count, 4);
  const { view } = writer;
  for (let i = 0, table = start, k = 0; i < count; i++, table += stride) {
    view.setUint32(slots + 4 * i, table - (slots + 4 * i), true);
    view.setInt32(table, table - vtable, true);
    // The vector follows the table's one field.
    view.setUint32(table + 4, 4, true);
    view.setUint32(table + 8, rank, true);
    for (let at = table + 12; at < table + stride; at += 4) view.setUint32(at, coordinates[k++] ?? 0, true);
  }
}

function writeMoves(writer: FlatBufferWriter, from: number, moves: readonly Move[]): void {
  const sorted = [...moves].sort((a, b) => comparePathsByName(a.to, b.to));
  const vector = writer.vector(from, sorted.length, 4);
  sorted.forEach((move, i) => {
    const table = writer.table(MOVE, vector + 4 * i);
    writer.set(table + MOVE.at.node, decodeIdentifier(move.nodeId, NODE_ID_BYTES));
    writer.u8(table + MOVE.at.kind, move.kind === "array" ? 1 : 0);
    writer.string(table + MOVE.at.from, move.from);
    writer.string(table + MOVE.at.to, move.to);
  });
}

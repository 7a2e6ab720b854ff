/**
 * Entries of the operations log: what was done to a repository, and when (table `Update` of the `repo` file).
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { FlatBufferReader } from "./flatbuffer-reader.ts";
import { type FlatBufferWriter, tableLayout } from "./flatbuffer-writer.ts";
import { decodeIdentifier, encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";

/** Whether a repository takes changes. */
export type Availability = "online" | "read-only";

export interface RepositoryStatus {
  readonly availability: Availability;
  /** Microseconds since 1970. */
  readonly setAt: number;
  readonly reason?: string | undefined;
}

/** What was done. */
export type Operation =
  | { readonly kind: "RepoInitialized" | "ConfigChanged" | "MetadataChanged" | "GCRan" | "ExpirationRan" }
  | { readonly kind: "RepoMigrated"; readonly fromVersion: number; readonly toVersion: number }
  | { readonly kind: "TagCreated" | "BranchCreated"; readonly name: string }
  | {
      readonly kind: "TagDeleted" | "BranchDeleted" | "BranchReset";
      readonly name: string;
      readonly previousSnapshotId: ObjectId;
    }
  | { readonly kind: "NewCommit"; readonly branch: string; readonly newSnapshotId: ObjectId }
  | {
      readonly kind: "CommitAmended";
      readonly branch: string;
      readonly previousSnapshotId: ObjectId;
      readonly newSnapshotId: ObjectId;
    }
  | { readonly kind: "NewDetachedSnapshot"; readonly newSnapshotId: ObjectId }
  | {
      readonly kind: "FeatureFlagChanged";
      readonly id: number;
      readonly newValue: boolean;
      /** False when the setting was taken back to the default. */
      readonly isSet: boolean;
    }
  | { readonly kind: "RepoStatusChanged"; readonly status: RepositoryStatus };

export interface Update {
  readonly operation: Operation;
  /** Microseconds since 1970. */
  readonly updatedAt: number;
  /** Name, below `overwritten/`, of the `repo` file as it was right after this entry; absent on the newest. */
  readonly backupPath?: string | undefined;
}

/** Kinds in the order of the union `UpdateType`, which numbers them from 1. */
const KINDS = [
  "RepoInitialized",
  "RepoMigrated",
  "ConfigChanged",
  "MetadataChanged",
  "TagCreated",
  "TagDeleted",
  "BranchCreated",
  "BranchDeleted",
  "BranchReset",
  "NewCommit",
  "CommitAmended",
  "NewDetachedSnapshot",
  "GCRan",
  "ExpirationRan",
  "FeatureFlagChanged",
  "RepoStatusChanged",
] as const satisfies readonly Operation["kind"][];

const ID = { struct: OBJECT_ID_BYTES } as const;
const UPDATE_SCHEMA = [
  ["type", "u8"],
  ["operation", "offset"],
  ["updatedAt", "u64"],
  ["backupPath", "offset"],
] as const;
const UPDATE = tableLayout(UPDATE_SCHEMA, "type", "operation", "updatedAt", "backupPath");
const NEWEST_UPDATE = tableLayout(UPDATE_SCHEMA, "type", "operation", "updatedAt");
const EMPTY = tableLayout([]);
const MIGRATED = tableLayout(
  [
    ["from", "u8"],
    ["to", "u8"],
  ],
  "from",
  "to",
);
const NAMED = tableLayout([["name", "offset"]], "name");
const NAMED_PREVIOUS = tableLayout(
  [
    ["name", "offset"],
    ["previous", ID],
  ],
  "name",
  "previous",
);
const COMMIT = tableLayout(
  [
    ["name", "offset"],
    ["new", ID],
  ],
  "name",
  "new",
);
const AMENDED = tableLayout(
  [
    ["name", "offset"],
    ["previous", ID],
    ["new", ID],
  ],
  "name",
  "previous",
  "new",
);
const DETACHED = tableLayout([["new", ID]], "new");
const FLAG = tableLayout(
  [
    ["id", "u16"],
    ["newValue", "u8"],
    ["isSet", "u8"],
  ],
  "id",
  "newValue",
  "isSet",
);
const CHANGED_STATUS = tableLayout([["status", "offset"]], "status");
const STATUS_SCHEMA = [
  ["availability", "u8"],
  ["setAt", "u64"],
  ["reason", "offset"],
] as const;
const STATUS = tableLayout(STATUS_SCHEMA, "availability", "setAt");
const STATUS_WITH_REASON = tableLayout(STATUS_SCHEMA, "availability", "setAt", "reason");

export function readIdentifier(reader: FlatBufferReader, table: number, slot: number): ObjectId {
  return encodeIdentifier(reader.slice(reader.required(table, slot, "an identifier"), OBJECT_ID_BYTES));
}

export function readStatus(reader: FlatBufferReader, table: number): RepositoryStatus {
  return {
    // Offline (2) is read as online by the official readers too.
    availability: reader.u8Field(table, 0, 0) === 1 ? "read-only" : "online",
    setAt: reader.u64Field(table, 1, 0),
    reason: reader.string(table, 2),
  };
}

export function writeStatus(writer: FlatBufferWriter, from: number, status: RepositoryStatus): void {
  const { reason } = status;
  const table = writer.table(reason === undefined ? STATUS : STATUS_WITH_REASON, from);
  const { at } = reason === undefined ? STATUS : STATUS_WITH_REASON;
  writer.u8(table + at.availability, status.availability === "online" ? 0 : 1);
  writer.u64(table + at.setAt, status.setAt);
  if (reason !== undefined) writer.string(table + STATUS_WITH_REASON.at.reason, reason);
}

export function readUpdate(reader: FlatBufferReader, table: number): Update {
  reader.charge(32);
  const operation = reader.target(table, 1);
  if (operation === 0) throw reader.corrupt("an entry of the operations log has no operation", table);
  return {
    operation: readOperation(reader, reader.u8Field(table, 0, 0), operation),
    updatedAt: reader.u64Field(table, 2, 0),
    backupPath: reader.string(table, 3),
  };
}

function readOperation(reader: FlatBufferReader, type: number, table: number): Operation {
  const kind = KINDS[type - 1];
  const id = (slot: number): ObjectId => readIdentifier(reader, table, slot);
  const name = (): string => reader.requiredString(table, 0, "a name in the operations log");
  switch (kind) {
    case undefined:
      throw new MoraineError("UnsupportedVersion", `operation ${type} in the operations log is not known`, {
        source: reader.source,
      });
    case "RepoMigrated":
      return { kind, fromVersion: reader.u8Field(table, 0, 0), toVersion: reader.u8Field(table, 1, 0) };
    case "TagCreated":
    case "BranchCreated":
      return { kind, name: name() };
    case "TagDeleted":
    case "BranchDeleted":
    case "BranchReset":
      return { kind, name: name(), previousSnapshotId: id(1) };
    case "NewCommit":
      return { kind, branch: name(), newSnapshotId: id(1) };
    case "CommitAmended":
      return { kind, branch: name(), previousSnapshotId: id(1), newSnapshotId: id(2) };
    case "NewDetachedSnapshot":
      return { kind, newSnapshotId: id(0) };
    case "FeatureFlagChanged": {
      const flag = reader.field(table, 0);
      return {
        kind,
        id: flag === 0 ? 0 : reader.u16(flag),
        newValue: reader.u8Field(table, 1, 0) !== 0,
        isSet: reader.u8Field(table, 2, 0) !== 0,
      };
    }
    case "RepoStatusChanged": {
      const status = reader.target(table, 0);
      if (status === 0) throw reader.corrupt("a change of status without status", table);
      return { kind, status: readStatus(reader, status) };
    }
    default:
      return { kind };
  }
}

export function writeUpdate(writer: FlatBufferWriter, from: number, update: Update): void {
  const { operation, backupPath } = update;
  const { at } = backupPath === undefined ? NEWEST_UPDATE : UPDATE;
  const table = writer.table(backupPath === undefined ? NEWEST_UPDATE : UPDATE, from);
  writer.u8(table + at.type, KINDS.indexOf(operation.kind) + 1);
  writer.u64(table + at.updatedAt, update.updatedAt);
  writeOperation(writer, table + at.operation, operation);
  if (backupPath !== undefined) writer.string(table + UPDATE.at.backupPath, backupPath);
}

function writeOperation(writer: FlatBufferWriter, from: number, operation: Operation): void {
  const identifier = (at: number, id: ObjectId): void =>
    writer.set(at, decodeIdentifier(id, OBJECT_ID_BYTES));
  switch (operation.kind) {
    case "RepoMigrated": {
      const table = writer.table(MIGRATED, from);
      writer.u8(table + MIGRATED.at.from, operation.fromVersion);
      writer.u8(table + MIGRATED.at.to, operation.toVersion);
      break;
    }
    case "TagCreated":
    case "BranchCreated":
      writer.string(writer.table(NAMED, from) + NAMED.at.name, operation.name);
      break;
    case "TagDeleted":
    case "BranchDeleted":
    case "BranchReset": {
      const table = writer.table(NAMED_PREVIOUS, from);
      identifier(table + NAMED_PREVIOUS.at.previous, operation.previousSnapshotId);
      writer.string(table + NAMED_PREVIOUS.at.name, operation.name);
      break;
    }
    case "NewCommit": {
      const table = writer.table(COMMIT, from);
      identifier(table + COMMIT.at.new, operation.newSnapshotId);
      writer.string(table + COMMIT.at.name, operation.branch);
      break;
    }
    case "CommitAmended": {
      const table = writer.table(AMENDED, from);
      identifier(table + AMENDED.at.previous, operation.previousSnapshotId);
      identifier(table + AMENDED.at.new, operation.newSnapshotId);
      writer.string(table + AMENDED.at.name, operation.branch);
      break;
    }
    case "NewDetachedSnapshot":
      identifier(writer.table(DETACHED, from) + DETACHED.at.new, operation.newSnapshotId);
      break;
    case "FeatureFlagChanged": {
      const table = writer.table(FLAG, from);
      writer.u16(table + FLAG.at.id, operation.id);
      writer.u8(table + FLAG.at.newValue, operation.newValue ? 1 : 0);
      writer.u8(table + FLAG.at.isSet, operation.isSet ? 1 : 0);
      break;
    }
    case "RepoStatusChanged":
      writeStatus(writer, writer.table(CHANGED_STATUS, from) + CHANGED_STATUS.at.status, operation.status);
      break;
    default:
      writer.table(EMPTY, from);
  }
}

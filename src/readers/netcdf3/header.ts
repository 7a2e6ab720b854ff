/**
 * The header of a classic file: record count, dimensions, attributes, variables (NetCDF file format
 * specifications, "header"; CDF-1, CDF-2 and CDF-5).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import { type ExternalType, externalType } from "./external-type.ts";

const ABSENT = 0;
const NC_DIMENSION = 10;
const NC_VARIABLE = 11;
const NC_ATTRIBUTE = 12;
/** `NC_MAX_VAR_DIMS` of the library. */
const MAXIMUM_RANK = 1024;
const STREAMING_32 = 0xffffffff;

export type FormatVersion = 1 | 2 | 5;

export interface Dimension {
  readonly name: string;
  /** 0 for the record dimension. */
  readonly length: number;
}

export interface Attribute {
  readonly name: string;
  readonly type: ExternalType;
  /** The values as they stand in the file: big-endian, without the padding. */
  readonly bytes: Uint8Array;
}

export interface Variable {
  readonly name: string;
  /** Indexes of dimensions. */
  readonly dimensions: readonly number[];
  readonly attributes: readonly Attribute[];
  readonly type: ExternalType;
  /** As stored; redundant, and wrong for large variables: never to be computed with. */
  readonly vsize: number | undefined;
  /** Offset in the file of the first value. */
  readonly begin: number;
  /** Offset in the file of the variable's entry in the header. */
  readonly entryOffset: number;
}

export interface Header {
  readonly version: FormatVersion;
  /** Number of records; undefined while the file was streamed: the file's size tells it. */
  readonly recordCount: number | undefined;
  readonly dimensions: readonly Dimension[];
  readonly attributes: readonly Attribute[];
  readonly variables: readonly Variable[];
  /** Bytes of the header. */
  readonly size: number;
}

/** The version of a classic file; undefined where the bytes begin no such file. */
export function formatVersion(head: Uint8Array): FormatVersion | undefined {
  const isClassic = head[0] === 0x43 && head[1] === 0x44 && head[2] === 0x46;
  const version = head[3];
  return isClassic && (version === 1 || version === 2 || version === 5) ? version : undefined;
}

/**
 * Parses a header from the first bytes of a file.
 *
 * Errors: `TruncatedFile` where the header goes on beyond the bytes given; `CorruptFile`; `NumberTooLarge`.
 *
 * @param fileSize bytes of the whole file: no list can be longer than it
 */
export function parseHeader(bytes: Uint8Array, source: string, fileSize: number): Header {
  const version = formatVersion(bytes);
  if (version === undefined) throw new MoraineError("UnknownFormat", "no NetCDF classic file", { source });
  const cursor = new Cursor(bytes, { source, littleEndian: false });
  cursor.skip(4);
  return new HeaderParser(cursor, version, fileSize).header();
}

class HeaderParser {
  readonly #cursor: Cursor;
  readonly #version: FormatVersion;
  readonly #fileSize: number;
  /** Bytes of a NON_NEG: a count, a length, an index. */
  readonly #countSize: number;
  readonly #offsetSize: number;

  constructor(cursor: Cursor, version: FormatVersion, fileSize: number) {
    this.#cursor = cursor;
    this.#version = version;
    this.#fileSize = fileSize;
    this.#countSize = version === 5 ? 8 : 4;
    this.#offsetSize = version === 1 ? 4 : 8;
  }

  header(): Header {
    const recordCount = this.#recordCount();
    const dimensions = this.#list(NC_DIMENSION, "dimensions", 2 * this.#countSize, () => this.#dimension());
    const attributes = this.#attributes();
    const smallest = 4 * this.#countSize + 8 + this.#offsetSize;
    const variables = this.#list(NC_VARIABLE, "variables", smallest, () => this.#variable());
    return {
      version: this.#version,
      recordCount,
      dimensions,
      attributes,
      variables,
      size: this.#cursor.position,
    };
  }

  #recordCount(): number | undefined {
    if (this.#version === 5) return this.#cursor.uintOrUndefined(8);
    const count = this.#cursor.u32();
    return count === STREAMING_32 ? undefined : count;
  }

  /** A tag and a count, then as many entries of at least `smallest` bytes. */
  #list<Entry>(tag: number, what: string, smallest: number, entry: () => Entry): Entry[] {
    const offset = this.#cursor.offset;
    const found = this.#cursor.u32();
    const count = this.#cursor.uint(this.#countSize);
    if (count === 0) return [];
    if (found !== tag) {
      const tags = found === ABSENT ? "the tag of an absent list" : `tag ${found}`;
      throw this.#cursor.corrupt(`${count} ${what} stand under ${tags}`, offset);
    }
    if (count * smallest > this.#fileSize) {
      throw this.#cursor.corrupt(`${count} ${what} are more than the file has room for`, offset);
    }
    const entries: Entry[] = [];
    for (let index = 0; index < count; index++) entries.push(entry());
    return entries;
  }

  /** A length and bytes, which the caller takes; then the padding to 4, whatever it holds. */
  #padded<Value>(length: number, take: () => Value): Value {
    if (length > this.#fileSize) throw this.#cursor.corrupt(`${length} bytes are more than the file has`);
    const value = take();
    this.#cursor.skip((4 - (length % 4)) % 4);
    return value;
  }

  /** Some writers count a trailing NUL as part of a name: the library reads up to the first NUL. */
  #name(): string {
    const offset = this.#cursor.offset;
    const length = this.#cursor.uint(this.#countSize);
    const name = this.#padded(length, () => this.#cursor.text(length));
    if (name === "") throw this.#cursor.corrupt("a name of no characters", offset);
    return name;
  }

  #dimension(): Dimension {
    return { name: this.#name(), length: this.#cursor.uint(this.#countSize) };
  }

  #type(): ExternalType {
    const offset = this.#cursor.offset;
    const code = this.#cursor.u32();
    const type = externalType(code);
    if (type === undefined) throw this.#cursor.corrupt(`there is no data type ${code}`, offset);
    return type;
  }

  #attributes(): Attribute[] {
    return this.#list(NC_ATTRIBUTE, "attributes", 2 * this.#countSize + 4, () => {
      const name = this.#name();
      const type = this.#type();
      const length = this.#cursor.uint(this.#countSize) * type.size;
      return { name, type, bytes: this.#padded(length, () => this.#cursor.take(length)) };
    });
  }

  #variable(): Variable {
    const entryOffset = this.#cursor.offset;
    const name = this.#name();
    const rank = this.#cursor.uint(this.#countSize);
    if (rank > MAXIMUM_RANK) {
      throw this.#cursor.corrupt(`"${name}" has ${rank} dimensions, more than ${MAXIMUM_RANK}`, entryOffset);
    }
    const dimensions: number[] = [];
    for (let axis = 0; axis < rank; axis++) dimensions.push(this.#cursor.uint(this.#countSize));
    const attributes = this.#attributes();
    const type = this.#type();
    const vsize = this.#cursor.uintOrUndefined(this.#countSize);
    const begin = this.#cursor.uint(this.#offsetSize);
    return { name, dimensions, attributes, type, vsize, begin, entryOffset };
  }
}

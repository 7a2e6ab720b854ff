/**
 * Bytes by address and range: the one interface behind which memory, files, HTTP and S3 stand.
 *
 * @module
 */

/** Options that every call to a storage takes. */
export interface StorageOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A range of an object. `offset` counts from the start, or from the end when it is negative (then `length`
 * must be absent: the last `-offset` bytes, all of a shorter object). Without `length` it reaches to the end.
 */
export interface ByteRange {
  readonly offset: number;
  readonly length?: number | undefined;
}

/** What tells one state of an object from another: an ETag where the storage has them, else size and time. */
export interface Version {
  readonly etag?: string | undefined;
  /** Bytes of the whole object. */
  readonly size?: number | undefined;
  /** Milliseconds since 1970. */
  readonly lastModified?: number | undefined;
  /** Only in a version that is expected: milliseconds since 1970, the object must not be newer. */
  readonly notAfter?: number | undefined;
}

/** How ranges are read. */
export interface ReadOptions extends StorageOptions {
  /** The version that must still be there: another one is an error `SourceChanged`, never mixed bytes. */
  readonly version?: Version | undefined;
  /** Ranges that reach beyond the end give what there is, possibly nothing, instead of `TruncatedFile`. */
  readonly clip?: boolean | undefined;
  /**
   * Gives memory of a length for bytes that arrive, so that it can be used again. A storage that has the bytes in
   * memory of its own does not ask for it.
   */
  readonly allocate?: ((length: number) => Uint8Array) | undefined;
}

/** The bytes of ranges, all of one version of the object. */
export interface ReadResult {
  /** A part for each range asked for, in order; each exactly as long as asked unless it was clipped. */
  readonly parts: readonly Uint8Array[];
  readonly version: Version;
}

/** How safely something is written. */
export interface DurabilityOptions extends StorageOptions {
  /**
   * Whether the call returns only when the bytes are where a power cut cannot take them. Default true; false is
   * faster on disks, and the same everywhere else.
   */
  readonly durable?: boolean | undefined;
  /**
   * Whether nobody knows the address yet, so that the bytes may be written where they belong: who reads before the
   * call returns can find a part of them. Something that lies there is an error.
   */
  readonly fresh?: boolean | undefined;
}

/** Which state of an object is copied. */
export interface CopyOptions extends StorageOptions {
  /** The state that must be there, else `PreconditionFailed`. */
  readonly version: Version;
}

/** When and how safely an object is written. */
export interface WriteOptions extends DurabilityOptions {
  /** `"absent"`: create only. A version: replace only that state. Else `PreconditionFailed`. */
  readonly precondition?: "absent" | Version | undefined;
}

/** A change of a part of an object that others change at the same time. */
export interface SharedChange {
  /**
   * What is to be changed, in a form that others carry out as well; undefined where they could not. Asked for only
   * when somebody else is busy with the object.
   */
  words(): Promise<Uint8Array | undefined>;
  /**
   * Carries the change out, and those of others with it.
   *
   * @param others gives what others wait for, asked as late as it can be: until then more may come. Every try asks anew,
   *   after it has read the state that it will replace: who waits no longer makes its change itself, and later ones,
   *   which an old answer would undo
   * @returns which of those in the last answer it carried out; these others wait no longer
   */
  carryOut(others: () => Promise<readonly Uint8Array[]>): Promise<readonly boolean[]>;
}

/** When an object is deleted. */
export interface DeleteOptions extends StorageOptions {
  /** Delete only this state, else `PreconditionFailed`. */
  readonly precondition?: Version | undefined;
}

/** An object found by listing: its address and what the listing says of it. */
export interface ListedObject extends Version {
  readonly address: string;
}

/**
 * A place that holds objects under addresses (`file:///…`, `https://…`, `s3://…`, `memory://…`).
 *
 * Errors: `NotFound` where nothing lies, `AccessDenied`, `SourceChanged`, `TruncatedFile` when a range reaches
 * beyond the end of the object, `PreconditionFailed`, `ReadOnly`, `StorageFailed`, `Aborted`.
 */
export interface Storage {
  /**
   * Read many ranges of one object. Near ranges are merged into fewer requests, large ones split; the parts
   * may be views of shared buffers, not to be written to. A range past the end is an error `TruncatedFile`
   * unless `clip` is set.
   */
  read(address: string, ranges: readonly ByteRange[], options?: ReadOptions): Promise<ReadResult>;
  /**
   * Reads a range into memory of the caller, which its pieces fill one after another: what lies together in the object
   * may go to many places without being copied once more. Undefined, and nothing read, where the storage cannot; absent
   * where it never can. After an error the memory may hold anything.
   */
  readInto?(
    address: string,
    offset: number,
    pieces: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<Version | undefined>;
  /** The version of an object, its size always among it; `NotFound` where nothing lies. */
  head(address: string, options?: StorageOptions): Promise<Version & { readonly size: number }>;
  /** Write a whole object atomically: a reader sees the old bytes or the new ones. */
  write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version>;
  /**
   * Copies an object within the storage, without its bytes passing through here; false where that cannot be done.
   * Absent where it never can. Errors: `PreconditionFailed` where another state lies there.
   */
  copy?(from: string, to: string, options: CopyOptions): Promise<boolean>;
  /** All objects whose address starts with `prefix` (which ends with `/`), in no promised order. */
  list(prefix: string, options?: StorageOptions): AsyncIterable<ListedObject>;
  /**
   * The names directly below a folder (its address ends with `/`), each once, those of folders with a slash at
   * their end. Absent where the storage cannot do better than `list`: `namesBelow` in `names.ts` does for both.
   */
  names?(folder: string, options?: StorageOptions): AsyncIterable<string>;
  /**
   * Has a change carried out: here, in turn with others who change the same object, or by one of these. For speed
   * alone, where several processes change one object: what is written still needs preconditions. Absent where the
   * storage knows nothing of others.
   */
  changeInTurn?(address: string, change: SharedChange, options?: StorageOptions): Promise<void>;
  /**
   * Removes what writers that were killed left below a folder (its address ends with `/`) before a time, which no
   * listing shows. Absent where nothing is left behind.
   */
  removeUnfinished?(folder: string, before: Date): Promise<void>;
  /** Delete objects; those that are not there are passed over. */
  delete(addresses: readonly string[], options?: DeleteOptions): Promise<void>;
}

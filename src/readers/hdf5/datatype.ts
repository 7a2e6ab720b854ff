/**
 * HDF5 datatypes (specification 3.0, IV.A.2.d "The Datatype Message").
 *
 * @module
 */

export type ByteOrder = "little" | "big" | "vax";

/** A datatype as the file describes it; `size` is bytes of one element as it is stored. */
export type Datatype =
  | {
      readonly class: "integer" | "bitfield";
      readonly size: number;
      readonly order: ByteOrder;
      readonly signed: boolean;
      readonly bitOffset: number;
      readonly bitPrecision: number;
    }
  | {
      readonly class: "float";
      readonly size: number;
      readonly order: ByteOrder;
      readonly bitOffset: number;
      readonly bitPrecision: number;
      readonly exponentLocation: number;
      readonly exponentSize: number;
      readonly mantissaLocation: number;
      readonly mantissaSize: number;
      readonly exponentBias: number;
      readonly signLocation: number;
      /** Mantissa normalisation: 0 none, 1 most significant bit always set, 2 it is implied. */
      readonly normalization: number;
    }
  | { readonly class: "time"; readonly size: number; readonly order: ByteOrder }
  | {
      readonly class: "string";
      readonly size: number;
      readonly padding: "null-terminated" | "null-padded" | "space-padded";
      readonly characterSet: "ascii" | "utf-8";
    }
  | { readonly class: "opaque"; readonly size: number; readonly tag: string }
  | { readonly class: "compound"; readonly size: number; readonly members: readonly CompoundMember[] }
  | {
      readonly class: "reference";
      readonly size: number;
      readonly kind: "object" | "region" | "object2" | "region2" | "attribute";
    }
  | {
      readonly class: "enumeration";
      readonly size: number;
      readonly base: Datatype;
      readonly names: readonly string[];
      /** Values in `base`'s own stored form, one after another. */
      readonly values: Uint8Array;
    }
  | { readonly class: "sequence"; readonly size: number; readonly base: Datatype }
  | {
      readonly class: "variable-string";
      readonly size: number;
      readonly padding: "null-terminated" | "null-padded" | "space-padded";
      readonly characterSet: "ascii" | "utf-8";
    }
  | {
      readonly class: "array";
      readonly size: number;
      readonly base: Datatype;
      readonly shape: readonly number[];
    }
  | { readonly class: "complex"; readonly size: number; readonly base: Datatype };

export interface CompoundMember {
  readonly name: string;
  /** Bytes from the start of the element. */
  readonly offset: number;
  readonly datatype: Datatype;
}

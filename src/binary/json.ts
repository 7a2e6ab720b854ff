/**
 * The values of JSON documents in this field: integers beyond 2^53 are `bigint`, and the numbers NaN and
 * Infinity, which many writers put bare into documents, are numbers.
 *
 * @module
 */

/** A value of a JSON document. Integers that a double cannot hold exactly are `bigint`. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };

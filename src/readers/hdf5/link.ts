/**
 * Links: the members of a group (specification 4.0, IV.A.2.g "The Link Message").
 *
 * @module
 */

export type LinkTarget =
  /** `address` of an object header. */
  | { readonly kind: "hard"; readonly address: number }
  /** A path, from the root or from the group that holds the link. */
  | { readonly kind: "soft"; readonly path: string }
  /** A path in another file, named as the file has it. */
  | { readonly kind: "external"; readonly file: string; readonly path: string }
  /** A kind that an application registered, by its number. */
  | { readonly kind: "user-defined"; readonly type: number };

export interface Link {
  readonly name: string;
  /** Only in groups that track it. */
  readonly creationOrder?: number | undefined;
  readonly target: LinkTarget;
}

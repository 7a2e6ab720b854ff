/**
 * Pieces in one form: what must not differ is found, what may differ is converted where that is asked for.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { codecsKey } from "../../codecs/codecs-key.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { ArrayParts } from "./combine-array.ts";
import { type Drift, describeDrift, findDrift } from "./drift.ts";
import type { CombinePlanOptions } from "./options.ts";
import { markPending } from "./pending.ts";
import { chunkBytes, type Piece } from "./piece.ts";
import { unpackPiece } from "./unpack.ts";
import { commonNumberType, widenType } from "./widen.ts";

/**
 * The pieces as they are, or converted to one packing and type where `--drift decode` asks for it.
 *
 * @param append the first piece is stored already: its packing and type hold
 * @param notes takes what was converted
 */
export function alike(
  pieces: readonly Piece[],
  append: boolean,
  notes: string[],
  options: CombinePlanOptions,
): readonly Piece[] {
  return widenedAlike(unpackedAlike(pieces, append, notes, options), append, notes, options);
}

/** Pieces that are packed differently as the numbers that they stand for, where that is asked for. */
function unpackedAlike(
  pieces: readonly Piece[],
  append: boolean,
  notes: string[],
  { drift }: CombinePlanOptions,
): readonly Piece[] {
  const [packing] = findDrift(pieces, ["packing"]);
  if (drift !== "decode" || append || packing === undefined) return pieces;
  notes.push(`stored unpacked, as doubles: ${describeDrift(packing)}`);
  return pieces.map(unpackPiece);
}

/** Pieces of different types of numbers in one that holds all exactly, where that is asked for. */
function widenedAlike(
  pieces: readonly Piece[],
  append: boolean,
  notes: string[],
  { drift }: CombinePlanOptions,
): readonly Piece[] {
  const [types] = findDrift(pieces, ["data type"]);
  if (drift !== "decode" || types === undefined) return pieces;
  const common = commonNumberType(pieces.map(({ metadata }) => metadata.dataType));
  const stored = pieces[0]?.metadata.dataType.name;
  if (common === undefined || (append && common.name !== stored)) return pieces;
  notes.push(`stored as ${common.name}: ${describeDrift(types)}`);
  return pieces.map((piece) => widenType(piece, common));
}

/** The metadata of the first piece, in the encoding that most elements have, so that few are encoded anew. */
export function commonForm(pieces: readonly Piece[]): ArrayMetadata {
  const weights = new Map<string, { metadata: ArrayMetadata; weight: number }>();
  for (const { metadata, manifest } of pieces) {
    const key = codecsKey(metadata.codecs);
    const known = weights.get(key) ?? { metadata, weight: 0 };
    // What must be encoded anew has no say.
    if (manifest) known.weight += metadata.shape.reduce((product, length) => product * length, 1);
    weights.set(key, known);
  }
  const [heaviest] = [...weights.values()].sort((a, b) => b.weight - a.weight);
  const [first] = pieces;
  if (heaviest === undefined || first === undefined) throw new MoraineError("InvalidArgument", "no pieces");
  const { codecs, fillValue } = heaviest.metadata;
  return { ...first.metadata, codecs, fillValue };
}

/**
 * What differs between the pieces although it must not.
 *
 * Errors: `Incompatible`, with the sources and what can be chosen.
 */
export function checkDrift(
  pieces: readonly Piece[],
  { path, time, append }: ArrayParts,
  { drift = "error" }: CombinePlanOptions,
): void {
  const isTime = time !== undefined || / since /i.test(String(pieces[0]?.metadata.attributes["units"] ?? ""));
  // Times are re-encoded where their units differ.
  const [found] = findDrift(pieces, ["data type", "dimensions", "packing", "flags"]);
  const units = isTime ? undefined : findDrift(pieces, ["units"])[0];
  const codecs = drift === "decode" ? undefined : encodingDrift(pieces);
  const serious = found ?? units ?? codecs;
  if (serious === undefined) return;
  const choices = [
    ...(drift === "split" ? [] : ["--drift split makes a group of each"]),
    ...(serious === codecs ? ["--drift decode stores what deviates in the common form"] : []),
    ...wideningOf(serious, pieces, append),
    ...(serious.kind === "packing" ? ["--drift decode stores all of it unpacked"] : []),
  ];
  throw new MoraineError("Incompatible", [describeDrift(serious), ...choices].join("; "), {
    path,
    source: serious.variants[1]?.sources[0],
  });
}

function wideningOf({ kind }: Drift, pieces: readonly Piece[], append: boolean): string[] {
  if (kind !== "data type") return [];
  const common = commonNumberType(pieces.map(({ metadata }) => metadata.dataType));
  const fits = common !== undefined && (!append || common.name === pieces[0]?.metadata.dataType.name);
  return fits ? [`--drift decode stores all of it as ${common.name}`] : [];
}

/** Drift of codecs among the pieces whose chunks would stay where they are. */
function encodingDrift(pieces: readonly Piece[]) {
  return findDrift(
    pieces.filter(({ manifest }) => manifest !== undefined),
    ["codecs"],
  )[0];
}

/** A piece in the encoding of the whole: what is encoded otherwise must be encoded anew. */
export function inCommonForm(piece: Piece, { codecs, fillValue }: ArrayMetadata): Piece {
  const { manifest, metadata } = piece;
  const isSame = codecsKey(metadata.codecs) === codecsKey(codecs);
  // Most are: files of an archive share what is remembered of their metadata.
  if (isSame && sameBytes(metadata.fillValue, fillValue)) return piece;
  const converted = { ...piece, metadata: { ...metadata, codecs, fillValue } };
  if (manifest === undefined || piece.existing === true) return converted;
  if (!isSame) return { ...converted, manifest: undefined };
  return { ...converted, manifest: withExplicitFill(manifest, metadata, fillValue) };
}

/** Where another fill value holds, chunks that are not stored must be. */
function withExplicitFill(
  manifest: ChunkManifest,
  metadata: ArrayMetadata,
  fillValue: Uint8Array,
): ChunkManifest {
  if (manifest.positions === undefined || sameBytes(metadata.fillValue, fillValue)) return manifest;
  const stored = new Set(manifest.positions);
  const absent: number[] = [];
  const cells = manifest.gridShape.reduce((product, length) => product * length, 1);
  for (let position = 0; position < cells; position++) if (!stored.has(position)) absent.push(position);
  return markPending(manifest, absent, chunkBytes(metadata));
}

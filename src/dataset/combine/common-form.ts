/**
 * Pieces in one form: what must not differ is found, what may differ is converted where that is asked for.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { codecsKey } from "../../codecs/codecs-key.ts";
import { numberTypeOf } from "../../data-types/numbers.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { ArrayParts } from "./combine-array.ts";
import { haveSameDimensions, orderedAlike } from "./dimension-order.ts";
import { agree, type Drift, describeDrift, findDrift } from "./drift.ts";
import type { CombinePlanOptions } from "./options.ts";
import { markPending } from "./pending.ts";
import { chunkBytes, type Piece } from "./piece.ts";
import { differInMarks, remarkedAlike } from "./remark.ts";
import { repackPiece } from "./repack.ts";
import { unpackPiece } from "./unpack.ts";
import { commonNumberType, widenType } from "./widen.ts";

/**
 * The pieces as they are, or converted to one order of dimensions, packing and type where `--drift decode` asks for it:
 * those of a piece that is stored already, where there is one.
 *
 * @param notes takes what was converted
 */
export async function alike(
  pieces: readonly Piece[],
  notes: string[],
  options: CombinePlanOptions,
): Promise<readonly Piece[]> {
  if (options.drift !== "decode") return pieces;
  const ordered = orderedAlike(pieces, notes);
  const stored = ordered.find(({ existing }) => existing);
  if (stored) return storedAlike(ordered, stored, notes);
  const isOfMarks = areNumbers(ordered) && differInMarks(ordered);
  const remarked = isOfMarks
    ? await remarkedAlike(ordered, options.materializeLimit, notes, options)
    : undefined;
  return widenedAlike(remarked ?? unpackedAlike(ordered, notes), notes);
}

/** What deviates from a piece that is stored already, in its packing and type. */
function storedAlike(pieces: readonly Piece[], stored: Piece, notes: string[]): readonly Piece[] {
  const drifts = findDrift(pieces, ["data type", "packing"]);
  if (drifts.length === 0 || !areNumbers(pieces)) return pieces;
  const { metadata } = stored;
  const difference = drifts.map(describeDrift).join("; ");
  notes.push(`what deviates is stored as what is there: ${difference}`);
  return pieces.map((piece) => {
    if (piece.existing === true) return piece;
    const common = commonNumberType([metadata.dataType, piece.metadata.dataType]);
    // 64-bit integers are no doubles: a type that holds all is taken as it is.
    const widened = common?.name === metadata.dataType.name ? widenType(piece, common) : piece;
    const isSame = (["data type", "packing"] as const).every((kind) =>
      agree(kind, widened.metadata, metadata),
    );
    // Times in other units are re-encoded by rules of their own.
    const isOtherTime = isTime(metadata) && !agree("units", widened.metadata, metadata);
    return isSame || isOtherTime ? widened : repackPiece(widened, metadata, difference);
  });
}

/** Whether all are arrays of numbers. */
export function areNumbers(pieces: readonly Pick<Piece, "metadata">[]): boolean {
  return pieces.every(({ metadata }) => numberTypeOf(metadata.dataType) !== undefined);
}

/** Whether an array holds times, by its units. */
export function isTime({ attributes }: ArrayMetadata): boolean {
  return / since /i.test(String(attributes["units"] ?? ""));
}

/** Pieces that are packed differently as the numbers that they stand for. */
function unpackedAlike(pieces: readonly Piece[], notes: string[]): readonly Piece[] {
  const [packing] = findDrift(pieces, ["packing"]);
  if (packing === undefined) return pieces;
  notes.push(`stored unpacked, as doubles: ${describeDrift(packing)}`);
  return pieces.map(unpackPiece);
}

/** Pieces of different types of numbers in one that holds all exactly. */
function widenedAlike(pieces: readonly Piece[], notes: string[]): readonly Piece[] {
  const [types] = findDrift(pieces, ["data type"]);
  const common = types && commonNumberType(pieces.map(({ metadata }) => metadata.dataType));
  if (types === undefined || common === undefined) return pieces;
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
    if (manifest) known.weight += 1 + metadata.shape.reduce((product, length) => product * length, 1);
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
  { path, time }: ArrayParts,
  { drift = "error" }: CombinePlanOptions,
): void {
  const [first] = pieces;
  const mayDiffer = time !== undefined || (first !== undefined && isTime(first.metadata));
  // What is appended to times that are stored already is written as these are, number by number.
  const isStoredTime = mayDiffer && first?.existing === true && areNumbers(pieces);
  const types = isStoredTime ? undefined : findDrift(pieces, ["data type"])[0];
  const [found = types] = findDrift(pieces, ["dimensions", "packing", "flags"]);
  // Times are re-encoded where their units differ.
  const units = mayDiffer ? undefined : findDrift(pieces, ["units"])[0];
  const codecs = drift === "decode" ? undefined : encodingDrift(pieces);
  const serious = found ?? units ?? codecs;
  if (serious === undefined) return;
  const choices = [
    ...(drift === "split" ? [] : ["--drift split makes a group of each"]),
    ...(serious === codecs ? ["--drift decode stores what deviates in the common form"] : []),
    ...conversionOf(serious, pieces),
  ];
  throw new MoraineError("Incompatible", [describeDrift(serious), ...choices].join("; "), {
    path,
    source: serious.variants[1]?.sources[0],
  });
}

/** What `--drift decode` would make of it. */
function conversionOf({ kind }: Drift, pieces: readonly Piece[]): string[] {
  if (kind === "dimensions" && haveSameDimensions(pieces)) {
    return ["--drift decode stores what deviates in the order of the others"];
  }
  if (kind !== "data type" && kind !== "packing") return [];
  if (pieces.some(({ existing }) => existing)) {
    return areNumbers(pieces)
      ? ["--drift decode stores what deviates as what is there, where that is exact"]
      : [];
  }
  if (kind === "packing") {
    return differInMarks(pieces)
      ? ["--drift decode stores what deviates with the mark of missing values that most have"]
      : ["--drift decode stores all of it unpacked"];
  }
  const common = commonNumberType(pieces.map(({ metadata }) => metadata.dataType));
  return common ? [`--drift decode stores all of it as ${common.name}`] : [];
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

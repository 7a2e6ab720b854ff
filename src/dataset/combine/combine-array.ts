/**
 * One array of many sources as one array of the target.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { JOIN_POLICY } from "../../manifest/join-plan.ts";
import { emptyManifest } from "../../manifest/join-references.ts";
import type { ManifestParts } from "../../manifest/manifest-parts.ts";
import type { Barrier, VirtualArray } from "../../manifest/virtual-group.ts";
import type { ArrayMetadata, ChunkGrid } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { mapConcurrent } from "../concurrent.ts";
import {
  chunkCount,
  cutTo,
  decodedForm,
  type PlannedArray,
  requireDescribed,
  withXarrayAttributes,
} from "../index/plan-array.ts";
import { officialBarrier } from "../official-clients.ts";
import { regionOf } from "../source.ts";
import { mergeAttributes } from "./attributes.ts";
import { alike, checkDrift, commonForm, inCommonForm } from "./common-form.ts";
import type { Contents } from "./contents.ts";
import { referencesInParts } from "./in-parts.ts";
import { missingPart } from "./missing-part.ts";
import { type Cell, distinctCells, joinNested, overlaidCells } from "./nested-join.ts";
import type { CombinePlanOptions } from "./options.ts";
import { markPending, takePending } from "./pending.ts";
import { chunkBytes, type Piece, widenPiece } from "./piece.ts";
import {
  commonTimeEncoding,
  reencodeTimes,
  storedTimeElement,
  type TimeElement,
  type TimeEncoding,
  timeElement,
} from "./time-encoding.ts";

/** Manifests that are loaded at the same time. */
const CONCURRENT_MANIFESTS = 32;
/** Elements of a chunk of an array that is stored decoded whole. */
const LOADED_CHUNK = 2 ** 20;

/** One source's part of an array. */
export interface ArrayPart {
  readonly contents: Contents;
  /** Undefined where the source has no such array. */
  readonly array: VirtualArray | undefined;
  /** Place along each of the dimensions of the join that the array has. */
  readonly index: readonly number[];
  /** Lengths of dimensions in this source. */
  readonly lengths: ReadonlyMap<string, number>;
}

/** An array in all sources. */
export interface ArrayParts {
  readonly path: string;
  readonly target: string;
  readonly parts: readonly ArrayPart[];
  /** Dimensions of the join that the array has, or gets. */
  readonly dimensions: readonly string[];
  readonly isNew: boolean;
  /** Stored decoded in large chunks. */
  readonly loaded: boolean;
  /** The units of its parent where it is the bounds of a time coordinate. */
  readonly time?: TimeEncoding | undefined;
  /** Whether the first part is already in the target. */
  readonly append: boolean;
}

/** Plans one array. Errors: `Incompatible` with the sources that do not fit, and why. */
export async function combineArray(array: ArrayParts, options: CombinePlanOptions): Promise<PlannedArray> {
  const { path, target, parts, dimensions, append } = array;
  const notes: string[] = [];
  const inParts = await referencesInParts(array, options);
  const loaded = await mapConcurrent(parts, CONCURRENT_MANIFESTS, async (part) => {
    const { contents, index, lengths } = part;
    const piece = part.array && (await pieceOf(part, part.array, array, notes, options, inParts));
    return { contents, index, lengths, piece };
  });
  const barrier = parts.map((part) => part.array?.barrier).find((reason) => reason !== undefined);
  const present = await alike(
    loaded.flatMap(({ piece }) => (piece ? [piece] : [])),
    notes,
    options,
  );
  const [first] = present;
  if (first === undefined) throw new MoraineError("NotFound", "no source has it", { path });
  checkDrift(present, array, options);
  const time = array.time ?? commonTimeEncoding(path, present, append);
  if (time && present.length < parts.length) {
    throw new MoraineError("Incompatible", "times in different units are not in all sources", { path });
  }
  const common = append ? first.metadata : commonForm(present);
  const held = new Set(loaded.flatMap(({ piece, index }) => (piece ? [index.join()] : [])));
  const given = present.values();
  // Where no source can be virtual, their encoding is none to store anything in.
  const staysVirtual = present.some(({ manifest }) => manifest !== undefined);
  const adjusted = loaded.flatMap(({ piece: own, index, contents, lengths }, position): Cell[] => {
    const piece = own && given.next().value;
    if (piece) return [{ index, piece: adjust(piece, present, common, time?.sources[position], time) }];
    // Another source may have what belongs to the same place.
    if (held.has(index.join())) return [];
    const joined = array.isNew ? [] : dimensions;
    const missing = missingPart(contents.source.address, path, common, lengths, joined);
    const manifest = staysVirtual ? missing.manifest : undefined;
    return [{ index, piece: { ...missing, at: contents.at, manifest } }];
  });
  const axes = dimensions.map((name) => (array.isNew ? 0 : (common.dimensionNames?.indexOf(name) ?? 0)));
  const isStale = append && parts[0]?.contents.stale?.has(path) === true;
  const { cells, absent } =
    axes[0] === undefined
      ? { cells: leadFirst(isStale ? adjusted.slice(1) : adjusted, ({ piece }) => piece), absent: [] }
      : overlaidCells(adjusted, axes[0]);
  const distinct = await distinctCells(cells, path, options, notes);
  const widened = array.isNew
    ? distinct.map((cell) => ({ ...cell, piece: widenPiece(cell.piece, 0, dimensions[0] ?? "") }))
    : distinct;
  const grid = array.loaded ? "regular" : (options.grid ?? "auto");
  const joined = joinNested(widened, axes, { ...JOIN_POLICY, grid });
  const attributes = mergeAttributes(
    leadFirst(present, (piece) => piece).map(({ source, metadata: { attributes: own } }) => ({
      source,
      attributes: own,
    })),
    options.attributes ?? "override",
    path,
  );
  const why = (chunks: number | string): Barrier =>
    time
      ? { code: "Incompatible", reason: `its times are stored as "${time.units}"` }
      : (barrier ?? NOT_ALIGNED(chunks));
  const units = joined.metadata.attributes["units"];
  const metadata: ArrayMetadata = {
    ...joined.metadata,
    attributes: time ? timeAttributes(attributes, units, elementOfTimes(present, common)) : attributes,
  };
  const plan = {
    source: first.source,
    sourcePath: path,
    kind: "array" as const,
    path: target,
    existing: append && parts[0]?.array !== undefined,
  };
  if (joined.manifest === undefined) {
    const decoded = decodedForm({
      ...metadata,
      chunkGrid: array.loaded ? loadedGrid(metadata) : metadata.chunkGrid,
    });
    checkBudget(chunkCount(decoded) * chunkBytes(decoded), why("all"), options.materializeLimit);
    return {
      plan: { ...plan, metadata: decoded, references: undefined, rewrite: "all", region: joined.region },
      changed: array.loaded ? undefined : why("all"),
      notes,
    };
  }
  if (metadata.chunkGrid.name === "rectilinear") notes.push(RECTILINEAR);
  const { references, rewrite } = takePending(joined.manifest);
  checkBudget(rewrite.length * chunkBytes(metadata), why(rewrite.length), options.materializeLimit);
  return {
    plan: { ...plan, metadata, references: inParts ?? references, rewrite, absent, region: joined.region },
    changed:
      rewrite.length > 0 && !array.loaded ? why(`${rewrite.length} of ${chunkCount(metadata)}`) : undefined,
    notes,
  };
}

/** What takes the place of the first source has the first word, as that had. */
function leadFirst<Item>(items: readonly Item[], pieceOf: (item: Item) => Piece): Item[] {
  return items.toSorted((a, b) => Number(pieceOf(b).at === 0) - Number(pieceOf(a).at === 0));
}

const RECTILINEAR =
  "chunks of different lengths: zarr-python opens such arrays after zarr.config.set({'array.rectilinear_chunks': True}); --grid regular avoids them";

const NOT_ALIGNED = (chunks: number | string): Barrier => ({
  code: "Incompatible",
  reason: `${chunks} chunks do not line up with the chunk grid of the whole, or are encoded otherwise: they are encoded anew`,
});

/** What of a source becomes part of the whole. */
async function pieceOf(
  { contents }: ArrayPart,
  array: VirtualArray,
  { path, loaded, append, parts }: ArrayParts,
  notes: string[],
  options: CombinePlanOptions,
  inParts: ManifestParts | undefined,
): Promise<Piece> {
  const { source } = contents;
  requireDescribed(array, options);
  const metadata = withXarrayAttributes(array.metadata, notes);
  for (const note of array.notes ?? []) if (!notes.includes(note)) notes.push(note);
  const piece = { source: source.address, at: contents.at, metadata, region: regionOf(source, path, array) };
  if (append && parts[0]?.contents === contents) {
    return { ...piece, manifest: emptyManifest(gridShapeOf(metadata)), existing: true };
  }
  const barrier = array.barrier ?? officialBarrier(metadata);
  if (loaded || barrier !== undefined || array.manifest === undefined)
    return { ...piece, manifest: undefined };
  // What is worked out of the pieces needs no references where these stay as they are.
  if (inParts) return { ...piece, manifest: placeholderOf(metadata) };
  const manifest = await array.manifest(options);
  const masks = manifest.filterMasks;
  if (masks === undefined) return { ...piece, ...cutTo({ metadata, manifest }, options.splitChunks) };
  const masked: number[] = [];
  for (let entry = 0; entry < manifest.count; entry++) {
    if (masks[entry] !== 0) masked.push(manifest.positions?.[entry] ?? entry);
  }
  const marked = markPending({ ...manifest, filterMasks: undefined }, masked, chunkBytes(metadata));
  return { ...piece, manifest: marked };
}

const placeholders = new WeakMap<ArrayMetadata, ChunkManifest>();

/** No references; one for all sources with the same metadata. */
function placeholderOf(metadata: ArrayMetadata): ChunkManifest {
  const known = placeholders.get(metadata) ?? emptyManifest(gridShapeOf(metadata));
  placeholders.set(metadata, known);
  return known;
}

/** Bounds have no units of their own; what marks missing times is what stands for them now. */
function timeAttributes(
  { _FillValue, missing_value, ...others }: JsonObject,
  units: JsonValue | undefined,
  { mark }: TimeElement,
): JsonObject {
  return {
    ...others,
    ...(units !== undefined && { units }),
    ...(mark !== undefined && { _FillValue: mark }),
  };
}

function elementOfTimes(all: readonly Piece[], common: ArrayMetadata): TimeElement {
  return all[0]?.existing === true ? storedTimeElement(common) : timeElement(all);
}

/** A piece in the encoding of the whole. */
function adjust(
  piece: Piece,
  all: readonly Piece[],
  common: ArrayMetadata,
  from: TimeEncoding["target"] | undefined,
  time: TimeEncoding | undefined,
): Piece {
  if (time && from) {
    if (piece.existing === true) return piece;
    return reencodeTimes(piece, from, time, elementOfTimes(all, common));
  }
  return inCommonForm(piece, common);
}

/** Few large chunks. */
function loadedGrid({ shape }: ArrayMetadata): ChunkGrid {
  let left = LOADED_CHUNK;
  const lengths = shape.toReversed().map((length) => {
    const own = Math.max(Math.min(length, left), 1);
    left = Math.max(Math.floor(left / own), 1);
    return own;
  });
  return { name: "regular", chunkShape: lengths.reverse() };
}

function checkBudget(bytes: number, why: Barrier, limit: number): void {
  if (bytes <= limit) return;
  throw new MoraineError(
    "LimitExceeded",
    `${why.reason}; decoded these have ${bytes} bytes, more than --materialize-limit ${limit}`,
  );
}

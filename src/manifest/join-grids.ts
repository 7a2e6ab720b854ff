/**
 * The ways in which chunk grids become one along an axis; see `join-plan.ts`.
 *
 * @module
 */

import type { ChunkGrid, RectilinearAxis } from "../zarr/array-metadata.ts";
import { axisRows, type ChunkRows, rowCount } from "./chunk-rows.ts";
import type { JoinPart, JoinPiece, JoinPlan } from "./join-plan.ts";

/** Tries one way after the other; each gives undefined where it does not apply. */
export class Join {
  readonly #parts: readonly JoinPart[];
  readonly #axis: number;
  /** Gives the chunk lengths of all other axes. */
  readonly #section: ChunkGrid;
  readonly #conforming: readonly boolean[];
  readonly #rows: readonly (readonly ChunkRows[])[];
  readonly #starts: readonly number[];
  readonly #length: number;

  constructor(
    parts: readonly JoinPart[],
    axis: number,
    section: ChunkGrid,
    conforming: readonly boolean[],
    rows: readonly (readonly ChunkRows[])[],
  ) {
    this.#parts = parts;
    this.#axis = axis;
    this.#section = section;
    this.#conforming = conforming;
    this.#rows = rows;
    let start = 0;
    this.#starts = parts.map(({ shape }) => {
      const own = start;
      start += shape[axis] ?? 0;
      return own;
    });
    this.#length = start;
  }

  /** Everything lines up: each part begins where a chunk does. */
  regular(length: number): JoinPlan | undefined {
    if (this.#starts.some((start) => start % length !== 0 && start !== this.#length)) return undefined;
    if (!this.#everyRow(({ stored }) => stored === length)) return undefined;
    return this.#plan(this.#regularGrid(length), (part) => this.#whole(part, length));
  }

  /** Chunks of one length once they are shortened to their arrays: oversized chunks of unlimited dimensions. */
  trimmedRegular(): JoinPlan | undefined {
    const all = this.#rows.flat();
    const length = all[0]?.inside;
    if (length === undefined || this.#conforming.includes(false)) return undefined;
    const differs = all.some(
      ({ count, inside }, index) =>
        inside > length || (inside < length && (count > 1 || index < all.length - 1)),
    );
    if (differs) return undefined;
    // A whole chunk of another length at the end stays where it is: a rectilinear grid can say that.
    const last = all.at(-1);
    if (last !== undefined && last.stored === last.inside && last.stored !== length) return undefined;
    const trimmed = new Set<number>();
    return this.#plan(
      this.#regularGrid(length),
      (part) => this.#shortened(part, trimmed, ({ stored }) => stored === length),
      { trimmed },
    );
  }

  /** Uncompressed chunks, cut so that all parts begin where a chunk does. */
  cut(minimumBytes: number): JoinPlan | undefined {
    let length = 0;
    for (const [part, { shape, cuttable, rowBytes }] of this.#parts.entries()) {
      if ((shape[this.#axis] ?? 0) === 0) continue;
      if (this.#conforming[part] !== true || !cuttable) return undefined;
      for (const { stored } of this.#rows[part] ?? []) length = greatestCommonDivisor(length, stored);
      length = greatestCommonDivisor(length, this.#starts[part] ?? 0);
      if (length * rowBytes < minimumBytes) return undefined;
    }
    if (length === 0) return undefined;
    return this.#plan(this.#regularGrid(length), (part) => this.#whole(part, length), { cutLength: length });
  }

  /** Each part keeps its chunks; what reaches beyond the end of a part is shortened, or encoded anew. */
  rectilinear(length: number): JoinPlan {
    const trimmed = new Set<number>();
    const last = this.#parts.findLastIndex(({ shape }) => (shape[this.#axis] ?? 0) > 0);
    const lengths: (readonly [length: number, count: number])[] = [];
    const pieces = this.#parts.flatMap((_, part) => {
      if (this.#conforming[part] !== true) {
        const own = axisRows(length, this.#parts[part]?.shape[this.#axis] ?? 0);
        for (const { count, inside } of own) lengths.push([inside, count]);
        return rewritten(rowCount(own));
      }
      const rows = this.#rows[part] ?? [];
      if (part === last) {
        for (const { count, stored } of rows) lengths.push([stored, count]);
        return kept(part, 0, rowCount(rows));
      }
      for (const { count, inside } of rows) lengths.push([inside, count]);
      return this.#shortened(part, trimmed, ({ stored, inside }) => stored === inside);
    });
    return {
      shape: this.#shape(),
      chunkGrid: this.#rectilinearGrid(lengths, length),
      pieces: merged(pieces),
      trimmed,
    };
  }

  /** A regular grid at any price: only chunks that happen to lie on it stay. */
  aligned(length: number): JoinPlan {
    const pieces: JoinPiece[] = [];
    let row = 0;
    this.#parts.forEach(({ shape }, part) => {
      const start = this.#starts[part] ?? 0;
      const stop = start + (shape[this.#axis] ?? 0);
      let at = start;
      let index = 0;
      for (const { count, stored, inside } of this.#rows[part] ?? []) {
        for (let number = 0; number < count; number++, index++, at += inside) {
          const ends = at + inside === this.#length || inside === length;
          if (this.#conforming[part] !== true || at % length !== 0 || stored !== length || !ends) continue;
          pieces.push(...rewritten(at / length - row), ...kept(part, index, index + 1));
          row = at / length + 1;
        }
      }
      if (stop === this.#length) {
        pieces.push(...rewritten(Math.ceil(stop / length) - row));
        row = Math.ceil(stop / length);
      }
    });
    return {
      shape: this.#shape(),
      chunkGrid: this.#regularGrid(length),
      pieces: merged(pieces),
      trimmed: new Set(),
    };
  }

  #everyRow(holds: (row: Pick<ChunkRows, "stored" | "inside">) => boolean): boolean {
    return this.#rows.every((rows, part) => this.#conforming[part] !== true || rows.every(holds));
  }

  #whole(part: number, length: number): JoinPiece[] {
    const rows = Math.ceil((this.#parts[part]?.shape[this.#axis] ?? 0) / length);
    return this.#conforming[part] === true ? kept(part, 0, rows) : rewritten(rows);
  }

  /** All rows of a part, the last of which may have to be shortened. */
  #shortened(
    part: number,
    trimmed: Set<number>,
    exact: (row: Pick<ChunkRows, "stored" | "inside">) => boolean,
  ): JoinPiece[] {
    const rows = this.#rows[part] ?? [];
    const last = rows.at(-1);
    const count = rowCount(rows);
    if (last === undefined || exact(last)) return kept(part, 0, count);
    if (this.#parts[part]?.cuttable === true && exact({ stored: last.inside, inside: last.inside })) {
      trimmed.add(part);
      return kept(part, 0, count);
    }
    return [...kept(part, 0, count - 1), ...rewritten(1)];
  }

  #plan(
    chunkGrid: ChunkGrid,
    piecesOf: (part: number) => JoinPiece[],
    cuts: { cutLength?: number; trimmed?: ReadonlySet<number> } = {},
  ): JoinPlan {
    return {
      shape: this.#shape(),
      chunkGrid,
      pieces: merged(this.#parts.flatMap((_, part) => piecesOf(part))),
      cutLength: cuts.cutLength,
      trimmed: cuts.trimmed ?? new Set(),
    };
  }

  #shape(): number[] {
    const shape = [...(this.#parts[0]?.shape ?? [])];
    shape[this.#axis] = this.#length;
    return shape;
  }

  #regularGrid(length: number): ChunkGrid {
    const section = this.#section;
    if (section.name === "regular") {
      return {
        name: "regular",
        chunkShape: section.chunkShape.map((l, axis) => (axis === this.#axis ? length : l)),
      };
    }
    return {
      name: "rectilinear",
      chunkShapes: section.chunkShapes.map((l, axis) => (axis === this.#axis ? length : l)),
    };
  }

  #rectilinearGrid(lengths: readonly (readonly [number, number])[], common: number): ChunkGrid {
    const runs: [number, number][] = [];
    for (const [length, count] of lengths) {
      const last = runs.at(-1);
      if (last && last[0] === length) last[1] += count;
      else runs.push([length, count]);
    }
    const joined: RectilinearAxis = runs.length > 0 ? runs : common;
    const section = this.#section;
    const axes: readonly RectilinearAxis[] =
      section.name === "regular" ? section.chunkShape : section.chunkShapes;
    return {
      name: "rectilinear",
      chunkShapes: axes.map((length, axis) => (axis === this.#axis ? joined : length)),
    };
  }
}

function kept(part: number, start: number, stop: number): JoinPiece[] {
  return stop > start ? [{ kind: "keep", part, start, stop }] : [];
}

function rewritten(rows: number): JoinPiece[] {
  return rows > 0 ? [{ kind: "rewrite", rows }] : [];
}

/** Neighbouring pieces of one kind as one. */
function merged(pieces: readonly JoinPiece[]): JoinPiece[] {
  const result: JoinPiece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last?.kind === "rewrite" && piece.kind === "rewrite") {
      result[result.length - 1] = { kind: "rewrite", rows: last.rows + piece.rows };
    } else if (
      last?.kind === "keep" &&
      piece.kind === "keep" &&
      last.part === piece.part &&
      last.stop === piece.start
    ) {
      result[result.length - 1] = { ...last, stop: piece.stop };
    } else {
      result.push(piece);
    }
  }
  return result;
}

function greatestCommonDivisor(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small !== 0) [large, small] = [small, large % small];
  return large;
}

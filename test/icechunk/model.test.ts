import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMoraineError } from "../../src/errors.ts";
import type { Repository } from "../../src/icechunk/repository.ts";
import type { Session } from "../../src/icechunk/session/session.ts";
import { gridShapeOf } from "../../src/zarr/chunk-grid.ts";
import { byteArray, chunk, contents, errorsOf, messages, newRepository } from "./repositories.ts";

/** An array of the model: its grid and its chunks by coordinates. A group is undefined. */
interface ModelArray {
  grid: number[];
  chunks: Map<string, string>;
}

type ModelTree = Map<string, ModelArray | undefined>;

interface ModelCommit {
  readonly message: string;
  readonly tree: ModelTree;
}

const clone = (tree: ModelTree): ModelTree =>
  new Map(
    [...tree].map(([path, node]) => [path, node && { grid: [...node.grid], chunks: new Map(node.chunks) }]),
  );

const PATHS = ["/a", "/b", "/a-b", "/a/b", "/a/ä", "/b/c/d"];

type Edit =
  | { readonly kind: "group"; readonly path: string }
  | { readonly kind: "array"; readonly path: string; readonly grid: number[] }
  | { readonly kind: "resize"; readonly path: string; readonly grid: number[] }
  | {
      readonly kind: "chunk";
      readonly path: string;
      readonly at: number[];
      readonly value: number;
      readonly length: number;
    }
  | { readonly kind: "delete chunk"; readonly path: string; readonly at: number[] }
  | { readonly kind: "references"; readonly path: string; readonly rows: number[]; readonly value: number }
  | { readonly kind: "shift"; readonly path: string; readonly by: number[] }
  | { readonly kind: "delete"; readonly path: string };

const path = fc.constantFrom(...PATHS);
const grid = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 2 });
const at = fc.array(fc.nat(4), { minLength: 2, maxLength: 2 });
const by = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 2, maxLength: 2 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("group" as const), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("array" as const), path, grid }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("resize" as const), path, grid }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("chunk" as const),
      path,
      at,
      value: fc.nat(255),
      length: fc.constantFrom(4, 12, 700),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete chunk" as const), path, at }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("references" as const),
      path,
      rows: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 2 }),
      value: fc.nat(255),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("shift" as const), path, by }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), path }) },
);

const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("commit" as const), branch: fc.nat(), edits }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("race" as const), branch: fc.nat(), edits, theirs: edits }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("amend" as const), branch: fc.nat(), edits }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("branch" as const), from: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("reset" as const), branch: fc.nat(), to: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete branch" as const), branch: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("expire" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("collect" as const) }) },
);

const within = (position: readonly number[], shape: readonly number[]): boolean =>
  position.every((coordinate, axis) => coordinate >= 0 && coordinate < (shape[axis] ?? 0));

/** Does an edit in the model; false where it cannot be done. */
function editModel(tree: ModelTree, change: Edit): boolean {
  const node = tree.get(change.path);
  switch (change.kind) {
    case "group":
    case "array": {
      if (tree.has(change.path)) return false;
      const names = change.path.slice(1).split("/");
      const parents = ["/", ...names.slice(1).map((_, i) => `/${names.slice(0, i + 1).join("/")}`)];
      if (parents.some((parent) => tree.get(parent))) return false;
      for (const parent of parents) if (!tree.has(parent)) tree.set(parent, undefined);
      tree.set(change.path, change.kind === "array" ? { grid: change.grid, chunks: new Map() } : undefined);
      return true;
    }
    case "delete":
      for (const other of [...tree.keys()]) {
        if (other === change.path || other.startsWith(`${change.path}/`)) tree.delete(other);
      }
      return true;
    default:
      if (!node) return false;
  }
  switch (change.kind) {
    case "resize":
      node.grid = change.grid;
      for (const key of [...node.chunks.keys()]) {
        if (!within(key.split("/").map(Number), node.grid)) node.chunks.delete(key);
      }
      return true;
    case "chunk":
      if (!within(change.at, node.grid)) return false;
      node.chunks.set(change.at.join("/"), chunk(change.value, change.length).join());
      return true;
    case "delete chunk":
      node.chunks.delete(change.at.join("/"));
      return true;
    case "references":
      if (Math.max(...change.rows) >= (node.grid[0] ?? 0)) return false;
      for (const { key, bytes } of rowsOf(change, node.grid[1] ?? 0)) node.chunks.set(key, bytes.join());
      return true;
    case "shift": {
      const moved = new Map<string, string>();
      for (const [key, bytes] of node.chunks) {
        const target = key.split("/").map((part, axis) => Number(part) + (change.by[axis] ?? 0));
        if (within(target, node.grid)) moved.set(target.join("/"), bytes);
      }
      node.chunks = moved;
      return true;
    }
  }
}

/** The chunks that rows of references set, every second one of a row where the value is odd. */
function rowsOf(
  { rows, value }: Edit & { readonly kind: "references" },
  columns: number,
): { readonly key: string; readonly position: number; readonly bytes: Uint8Array }[] {
  const first = Math.min(...rows);
  return rows
    .toSorted((a, b) => a - b)
    .flatMap((row) =>
      Array.from({ length: columns }, (_, column) => ({ row, column })).filter(
        ({ column }) => value % 2 === 0 || column % 2 === 0,
      ),
    )
    .map(({ row, column }) => ({
      key: `${row}/${column}`,
      position: (row - first) * columns + column,
      bytes: chunk(value, 4 + (column % 3) * 8),
    }));
}

/** Rows of references from the first to the last, with what lies between left as it is. */
async function setRows(session: Session, change: Edit & { readonly kind: "references" }): Promise<void> {
  const columns = gridShapeOf(session.array(change.path).metadata)[1] ?? 0;
  const chunks = rowsOf(change, columns);
  const first = Math.min(...change.rows);
  await session.setReferences(
    change.path,
    {
      gridShape: [Math.max(...change.rows) - first + 1, columns],
      count: chunks.length,
      positions: Float64Array.from(chunks, ({ position }) => position),
      locations: [],
      versions: [],
      offsets: new Float64Array(chunks.length),
      lengths: Float64Array.from(chunks, ({ bytes }) => bytes.length),
      inline: new Map(chunks.map(({ bytes }, entry) => [entry, bytes])),
    },
    { at: [first, 0] },
  );
}

async function editSession(session: Session, change: Edit): Promise<void> {
  switch (change.kind) {
    case "group":
      // Unlike createGroup, which takes an equal group for the same.
      if (session.node(change.path)) throw new Error("exists");
      session.createGroup(change.path);
      break;
    case "array":
      session.createArray(change.path, byteArray(change.grid));
      break;
    case "resize":
      session.updateArray(change.path, byteArray(change.grid));
      break;
    case "chunk":
      await session.setChunk(change.path, change.at, chunk(change.value, change.length));
      break;
    case "delete chunk":
      await session.deleteChunks(change.path, [change.at]);
      break;
    case "references":
      await setRows(session, change);
      break;
    case "shift":
      await session.shift(change.path, change.by);
      break;
    case "delete":
      session.delete(change.path);
  }
}

/** Does edits in both; both must refuse the same. Gives those that changed anything. */
async function editBoth(tree: ModelTree, session: Session, changes: readonly Edit[]): Promise<Edit[]> {
  const effective: Edit[] = [];
  for (const change of changes) {
    const before = JSON.stringify(keysOf(tree));
    const done = await editSession(session, change).then(
      () => true,
      () => false,
    );
    expect([change, done]).toEqual([change, editModel(tree, change)]);
    // A chunk that is set again, or deleted where none is, is a change all the same.
    if (done && (/chunk|references/.test(change.kind) || before !== JSON.stringify(keysOf(tree))))
      effective.push(change);
  }
  return effective;
}

function keysOf(tree: ModelTree): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const [nodePath, node] of tree) {
    const prefix = nodePath === "/" ? "" : `${nodePath.slice(1)}/`;
    keys[`${prefix}zarr.json`] = node ? `array ${node.grid.map((n) => 4 * n).join()}` : "group";
    for (const [key, bytes] of node?.chunks ?? []) keys[`${prefix}c/${key}`] = bytes;
  }
  return keys;
}

/** Documents in short, so that they compare with the model's. */
async function keysOfSession(session: Session): Promise<Record<string, string>> {
  const found = await contents(session);
  for (const [key, text] of Object.entries(found)) {
    if (!key.endsWith("zarr.json")) continue;
    const { node_type: type, shape } = JSON.parse(text) as { node_type: string; shape?: number[] };
    found[key] = shape ? `${type} ${shape.join()}` : type;
  }
  return found;
}

/** A repository and what it should hold. */
class Pair {
  readonly repository: Repository;
  /** Newest last. */
  readonly branches: Map<string, ModelCommit[]> = new Map([
    ["main", [{ message: "Repository initialized", tree: new Map() }]],
  ]);
  #count = 0;

  constructor(repository: Repository) {
    this.repository = repository;
  }

  branch(number: number): string {
    const names = [...this.branches.keys()];
    return names[number % names.length] ?? "main";
  }

  history(branch: string): ModelCommit[] {
    return this.branches.get(branch) ?? [];
  }

  async commit(kind: "commit" | "amend", branch: string, changes: readonly Edit[]): Promise<void> {
    const history = this.history(branch);
    const tree = clone(history.at(-1)?.tree ?? new Map());
    const session = await this.repository.writableSession(branch);
    await editBoth(tree, session, changes);
    expect(await keysOfSession(session)).toEqual(keysOf(tree));
    const message = `${kind} ${this.#count++}`;
    if (kind === "amend" && history.length === 1) {
      await expect(session.amend(message, { allowEmpty: true })).rejects.toMatchObject({
        code: "InvalidArgument",
      });
      return;
    }
    await session[kind](message, { allowEmpty: true });
    this.branches.set(branch, [...(kind === "amend" ? history.slice(0, -1) : history), { message, tree }]);
  }

  /** Two sessions from one snapshot, of which the second is rebased or refused. */
  async race(branch: string, ours: readonly Edit[], theirs: readonly Edit[]): Promise<void> {
    const session = await this.repository.writableSession(branch);
    const before = clone(this.history(branch).at(-1)?.tree ?? new Map());
    // A shift is a change of the chunks that it moved, not of those that others set meanwhile.
    const effective = await editBoth(
      before,
      session,
      ours.filter(({ kind }) => kind !== "shift"),
    );
    await this.commit("commit", branch, theirs);
    const message = `race ${this.#count++}`;
    const merged = clone(this.history(branch).at(-1)?.tree ?? new Map());
    try {
      await session.commit(message, { allowEmpty: true, rebase: true });
    } catch (error) {
      if (!isMoraineError(error, "Conflict")) throw error;
      return;
    }
    // Where nothing conflicts, doing ours after theirs comes to the same.
    for (const change of effective) editModel(merged, change);
    this.branches.set(branch, [...this.history(branch), { message, tree: merged }]);
  }

  async check(): Promise<void> {
    expect([...(await this.repository.listBranches()).keys()].sort()).toEqual(
      [...this.branches.keys()].sort(),
    );
    for (const [branch, history] of this.branches) {
      expect(await messages(this.repository, branch)).toEqual(
        history.map(({ message }) => message).reverse(),
      );
      const session = await this.repository.readonlySession({ branch });
      expect(await keysOfSession(session)).toEqual(keysOf(history.at(-1)?.tree ?? new Map()));
    }
    expect(await errorsOf(this.repository)).toEqual([]);
  }
}

describe("a repository", () => {
  it("holds what a model holds after any sequence of operations", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 12 }),
        fc.nat(6),
        fc.nat(3),
        async (steps, held, cell) => {
          const pair = new Pair(
            await newRepository({
              config: {
                inlineChunkThresholdBytes: 8,
                updatesPerRepoFile: 5,
                splitSizes: cell === 0 ? [] : [["any_array", [{ condition: { Axis: 0 }, num_chunks: cell }]]],
              },
              heldReferences: held,
            }),
          );
          const { repository, branches } = pair;
          for (const [i, item] of steps.entries()) {
            switch (item.kind) {
              case "commit":
              case "amend":
                await pair.commit(item.kind, pair.branch(item.branch), item.edits);
                break;
              case "race":
                await pair.race(pair.branch(item.branch), item.edits, item.theirs);
                break;
              case "branch": {
                const from = pair.branch(item.from);
                await repository.createBranch(`b${i}`, await repository.lookupBranch(from));
                branches.set(`b${i}`, pair.history(from));
                break;
              }
              case "reset": {
                const [branch, to] = [pair.branch(item.branch), pair.branch(item.to)];
                await repository.resetBranch(branch, await repository.lookupBranch(to));
                branches.set(branch, pair.history(to));
                break;
              }
              case "delete branch": {
                const branch = pair.branch(item.branch);
                if (branch === "main") break;
                await repository.deleteBranch(branch);
                branches.delete(branch);
                break;
              }
              case "expire": {
                // All that is older than the newest commit of a branch.
                const branch = pair.branch(item.at);
                const { value } = await repository.ancestry({ branch }).next();
                await repository.expireSnapshots({ olderThan: new Date((value?.flushedAt ?? 0) / 1000) });
                for (const [name] of branches) {
                  const found = await messages(repository, name);
                  const history = pair.history(name);
                  // The tip stays, and the first.
                  expect(found[0]).toBe(history.at(-1)?.message);
                  expect(found.at(-1)).toBe(history[0]?.message);
                  branches.set(
                    name,
                    history.filter(({ message }) => found.includes(message)),
                  );
                }
                break;
              }
              case "collect":
                await repository.garbageCollect({ olderThan: new Date(Date.now() + 60_000) });
            }
            await pair.check();
          }
        },
      ),
      { numRuns: 60, seed: 7, endOnFailure: true },
    );
  }, 120_000);
});

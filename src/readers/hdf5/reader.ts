/**
 * The HDF5 and NetCDF-4 reader.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import { netcdfFill } from "../netcdf-fill.ts";
import type { Reader } from "../reader.ts";
import { attributeValues } from "./attributes.ts";
import { type Dataset, parseDataset } from "./dataset.ts";
import { arrayOfDataset } from "./dataset-array.ts";
import { Hdf5File } from "./hdf5-file.ts";
import { isDimensionOnly, variableName } from "./netcdf4/conventions.ts";
import { type DatasetDimensions, type GroupView, viewGroups } from "./netcdf4/dimensions.ts";
import { extended } from "./netcdf4/unlimited.ts";
import { type GraphObject, ObjectGraph } from "./object-graph.ts";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const SMALLEST_USER_BLOCK = 512;

const UNCLOSED = "the file was not closed by its writer: what is read may be older than what was written";

type ArrayMember = VirtualArray | FaultyArray;
type Member = VirtualGroup | ArrayMember;

interface GroupInMaking extends VirtualGroup {
  readonly children: Map<string, Member>;
}

/**
 * Reads HDF5 files, and NetCDF-4 files as netCDF-C sees them: its names of dimensions, its hidden attributes.
 *
 * The scan reads what describes the objects, not the chunk indexes: those are read when an array is asked for its
 * manifest. Errors of the whole file: `UnknownFormat`, `TruncatedFile`, `CorruptFile`, `ChecksumMismatch`,
 * `UnsupportedVersion`, `UnsupportedLayout`.
 */
export const hdf5: Reader = {
  name: "hdf5",
  matches(head) {
    // The signature stands at the start or behind a user block of a power of two (specification 4.0, II.A).
    for (let at = 0; at + SIGNATURE.length <= head.length; at = at === 0 ? SMALLEST_USER_BLOCK : 2 * at) {
      if (SIGNATURE.every((byte, i) => head[at + i] === byte)) return true;
    }
    return false;
  },
  async open(address, storage, options) {
    const file = await Hdf5File.open(address, storage, options);
    // The head is of this file alone: others are opened on the way.
    const following = { signal: options?.signal };
    const graph = new ObjectGraph(file, storage, following);
    const root = await graph.read();
    return await new GroupBuilder(graph, storage, following).build(root);
  },
};

class GroupBuilder {
  readonly #graph: ObjectGraph;
  readonly #storage: Storage;
  readonly #options: StorageOptions | undefined;
  readonly #datasets = new Map<GraphObject, Dataset>();
  readonly #faults = new Map<GraphObject, MoraineError>();
  readonly #arrays = new Map<GraphObject, ArrayMember>();
  /** The first view of each. */
  readonly #groups = new Map<GraphObject, GroupInMaking>();
  /** The arrays of each dataset by the names of their dimensions. */
  readonly #variants = new Map<GraphObject, Map<string, VirtualArray>>();

  constructor(graph: ObjectGraph, storage: Storage, options: StorageOptions | undefined) {
    this.#graph = graph;
    this.#storage = storage;
    this.#options = options;
  }

  async build(root: GraphObject): Promise<VirtualGroup> {
    const objects = reachable(root);
    for (const object of objects) if (object.kind === "dataset") this.#parse(object);
    await Promise.all(
      objects
        .filter((object) => object.kind === "dataset")
        .map(async (object) => void this.#arrays.set(object, await this.#array(object))),
    );
    const views = viewGroups(root, this.#datasets, this.#extents());
    const groups = new Map<GroupView, GroupInMaking>();
    for (const view of views) {
      const group = this.#group(view, view.group === root);
      groups.set(view, group);
      if (!this.#groups.has(view.group)) this.#groups.set(view.group, group);
    }
    for (const [view, { children }] of groups) this.#fill(view, children, groups);
    const group = this.#groups.get(root);
    if (!group) throw new MoraineError("CorruptFile", "the root is no group");
    return group;
  }

  /** The shapes that virtual datasets have by their sources: by these netCDF-C tells their dimensions apart. */
  #extents(): ReadonlyMap<GraphObject, readonly number[]> {
    const extents = new Map<GraphObject, readonly number[]>();
    for (const [object, array] of this.#arrays) {
      const isVirtual = this.#datasets.get(object)?.layout.class === "virtual";
      if (isVirtual && array.kind === "array") extents.set(object, array.metadata.shape);
    }
    return extents;
  }

  /** A view of a group without its members. */
  #group({ group }: GroupView, isRoot: boolean): GroupInMaking {
    const first = this.#groups.get(group);
    const children = new Map<string, Member>();
    if (first) return { ...first, children, first };
    const { values, notes } = attributeValues(group);
    const dangling = [...group.members.keys()].flatMap((name) =>
      isDangling(group, name) ? [`link "${name}" leads nowhere`] : [],
    );
    const all = [...notes, ...dangling];
    if (isRoot && group.in.file.isUnclosed) all.push(UNCLOSED);
    return {
      kind: "group",
      attributes: values,
      children,
      links: new Set(
        [...group.links.values()].flatMap(({ name, target }) => (target.kind === "hard" ? [] : [name])),
      ),
      ...(all.length > 0 && { notes: all }),
    };
  }

  #parse(object: GraphObject): void {
    try {
      this.#datasets.set(object, parseDataset(object));
    } catch (error) {
      if (!isMoraineError(error)) throw error;
      this.#faults.set(object, error);
    }
  }

  async #array(object: GraphObject): Promise<ArrayMember> {
    const dataset = this.#datasets.get(object);
    const hidden = isDimensionOnly(object);
    const { values, notes } = attributeValues(object);
    try {
      if (!dataset) throw this.#faults.get(object) ?? new MoraineError("CorruptFile", "no dataset");
      return await arrayOfDataset(
        dataset,
        {
          graph: this.#graph,
          storage: this.#storage,
          depth: 0,
          attributes: values,
          hidden,
          notes,
        },
        this.#options,
      );
    } catch (error) {
      if (!isMoraineError(error) || error.code === "Aborted") throw error;
      const shape = dataset?.dataspace.kind === "simple" ? dataset.dataspace.shape : undefined;
      const known = shape && { shape, attributes: values };
      return { kind: "fault", error, ...known, ...(hidden && { hidden }) };
    }
  }

  /** The array with its dimensions: one and the same under every link that gives it the same ones. */
  #inView(object: GraphObject, member: ArrayMember, dimensions: DatasetDimensions | undefined): ArrayMember {
    if (!dimensions) return member;
    const { names, lengths } = dimensions;
    const shape = member.kind === "array" ? member.metadata.shape : member.shape;
    if (names.length !== shape?.length) return member;
    if (member.kind === "fault") return { ...member, dimensionNames: names };
    const longest = shape.map((length, axis) => Math.max(length, lengths[axis] ?? 0));
    const isLonger = longest.some((length, axis) => length !== shape[axis]);
    const variants = this.#variants.get(object) ?? new Map<string, VirtualArray>();
    const key = JSON.stringify(names);
    let variant = variants.get(key);
    if (!variant) {
      variant = { ...member, metadata: { ...member.metadata, dimensionNames: names } };
      if (isLonger) {
        const { fillValue, dataType } = member.metadata;
        const isGiven = this.#datasets.get(object)?.fill.kind === "value";
        const fill = isGiven ? fillValue : (netcdfFill(dataType) ?? fillValue);
        variant = extended(variant, longest, fill, this.#storage, object.in.file.metadata.source);
      }
      this.#variants.set(object, variants.set(key, variant));
    }
    return variant;
  }

  /** Puts the members of a group under their names in the dataset view. */
  #fill(
    { group, dimensions, children }: GroupView,
    members: Map<string, Member>,
    groups: ReadonlyMap<GroupView, VirtualGroup>,
  ): void {
    for (const [name, object] of group.members) {
      if (object instanceof MoraineError) {
        if (!isDangling(group, name)) members.set(name, { kind: "fault", error: object });
        continue;
      }
      const view = children.get(name);
      const below = (view && groups.get(view)) ?? this.#groups.get(object);
      const array = this.#arrays.get(object);
      if (below) members.set(name, below);
      else if (array) members.set(name, this.#inView(object, array, dimensions.get(name)));
    }
    for (const [name, member] of [...members]) {
      const renamed = variableName(name);
      if (renamed !== name && member.kind !== "group") rename(members, name, renamed, member);
    }
  }
}

/**
 * Gives a variable its name in the dataset view. The dimension of that name, which has no values and is not in the
 * view, stands under the other one.
 */
function rename(
  members: Map<string, Member>,
  stored: string,
  name: string,
  variable: VirtualArray | FaultyArray,
): void {
  const other = members.get(name);
  if (other !== undefined && (other.kind === "group" || !other.hidden)) return;
  if (other) members.set(stored, { ...other, storedName: name });
  else members.delete(stored);
  members.set(name, { ...variable, storedName: stored });
}

/** Soft links may lead nowhere; other programs pass over them too. */
function isDangling(group: GraphObject, name: string): boolean {
  const member = group.members.get(name);
  if (!(member instanceof MoraineError) || member.code !== "NotFound") return false;
  return group.links.get(name)?.target.kind === "soft";
}

/** Every object of a graph once, the root first. */
function reachable(root: GraphObject): GraphObject[] {
  const seen = new Set<GraphObject>([root]);
  for (const object of seen) {
    for (const member of object.members.values()) if (!(member instanceof MoraineError)) seen.add(member);
  }
  return [...seen];
}

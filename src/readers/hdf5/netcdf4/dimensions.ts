/**
 * The dimensions of a file as netCDF-C finds them: scales attached to axes, found in the group of the variable and
 * above it, and dimensions that it invents where there are none ("phony").
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import { MAXIMUM_REPEATED } from "../../../zarr/tree.ts";
import type { Dataset } from "../dataset.ts";
import type { GraphObject } from "../object-graph.ts";
import { attachedScales, coordinateIds, dimensionId, isDimensionOnly, isScale } from "./conventions.ts";
import { KnownTypes } from "./known-types.ts";

export interface Dimension {
  readonly id: number;
  readonly name: string;
  readonly length: number;
  readonly unlimited: boolean;
  /** Its scale; phony dimensions have none. */
  readonly scale?: GraphObject;
}

interface Variable {
  /** Of the link. */
  readonly name: string;
  readonly dataset: Dataset;
  readonly shape: readonly number[];
  readonly unlimited: readonly boolean[];
  readonly dimensions: (Dimension | undefined)[];
  /** Ids that were kept beside the variable. */
  readonly ids: readonly number[];
  /** Whether netCDF-C knows its datatype; it passes over the others. */
  readonly visible: boolean;
}

/** A group under one of its paths. */
interface Scope {
  readonly parent: Scope | undefined;
  readonly group: GraphObject;
  /** In the order in which they were found, by {@link extentOf}: a group may have very many. */
  readonly byExtent: Map<string, Dimension[]>;
  /** By the address of their scales' headers. */
  readonly byScale: Map<number, Dimension[]>;
  readonly variables: Variable[];
  readonly children: Map<string, Scope>;
}

/** The dimensions of a dataset, axis for axis. */
export interface DatasetDimensions {
  readonly names: readonly string[];
  /**
   * An unlimited dimension is as long as the longest variable that has it; the others end in fill values. Empty for
   * virtual datasets, whose sources say how long they are.
   */
  readonly lengths: readonly number[];
}

/** A group under one of its paths: under each of them netCDF-C gives it dimensions of its own. */
export interface GroupView {
  readonly group: GraphObject;
  /** By the name of the link. (Two links to one dataset may name its dimensions differently.) */
  readonly dimensions: ReadonlyMap<string, DatasetDimensions>;
  /** The groups in it by name, but those that it is inside of and those that have too many paths. */
  readonly children: ReadonlyMap<string, GroupView>;
}

/**
 * Walks the groups of a file under every path, as netCDF-C does. A group that is inside of itself is not walked again,
 * and no group for a second time once {@link MAXIMUM_REPEATED} nodes have been: paths can be exponentially many.
 *
 * @param datasets those that can be read
 * @param extents the shapes of those that have another one than their dataspace
 * @returns each group under each path: the root first, groups before their members
 */
export function viewGroups(
  root: GraphObject,
  datasets: ReadonlyMap<GraphObject, Dataset>,
  extents: ReadonlyMap<GraphObject, readonly number[]>,
): readonly GroupView[] {
  const finder = new DimensionFinder(datasets, extents);
  return finder.find(root);
}

class DimensionFinder {
  readonly #datasets: ReadonlyMap<GraphObject, Dataset>;
  readonly #extents: ReadonlyMap<GraphObject, readonly number[]>;
  readonly #types = new KnownTypes();
  readonly #byId = new Map<number, Dimension>();
  readonly #lengths = new Map<number, number>();
  #nextId = 0;
  /** Groups before their members. */
  readonly #scopes: Scope[] = [];

  constructor(
    datasets: ReadonlyMap<GraphObject, Dataset>,
    extents: ReadonlyMap<GraphObject, readonly number[]>,
  ) {
    this.#datasets = datasets;
    this.#extents = extents;
  }

  find(root: GraphObject): readonly GroupView[] {
    this.#walk(root);
    const scopes = this.#membersFirst();
    this.#match(scopes, (variable) => variable.visible);
    // What netCDF-C passes over, last: it must not move the numbers of the others.
    this.#match(scopes, (variable) => !variable.visible);
    for (const scope of scopes) this.#measure(scope);
    const views = new Map<Scope, GroupView>();
    for (const scope of scopes) {
      views.set(scope, {
        group: scope.group,
        dimensions: new Map(scope.variables.map((variable) => [variable.name, this.#describe(variable)])),
        children: new Map([...scope.children].flatMap(([name, child]) => pair(name, views.get(child)))),
      });
    }
    return this.#scopes.flatMap((scope) => views.get(scope) ?? []);
  }

  /** The length of each unlimited dimension, by its id. */
  #measure({ variables }: Scope): void {
    for (const { dataset, dimensions, shape, unlimited, visible } of variables) {
      if (dataset.layout.class === "virtual") continue;
      dimensions.forEach((dimension, axis) => {
        if (!visible || !dimension?.unlimited || !dimension.scale || !unlimited[axis]) return;
        this.#lengths.set(dimension.id, Math.max(this.#lengths.get(dimension.id) ?? 0, shape[axis] ?? 0));
      });
    }
  }

  #describe({ dataset, dimensions, shape, unlimited, visible }: Variable): DatasetDimensions {
    const own = dataset.layout.class === "virtual" ? [] : shape;
    return {
      // What netCDF-C tells is the name of the dimension that has the id at last: a file may use one twice.
      names: dimensions.flatMap((dimension) =>
        dimension ? (this.#byId.get(dimension.id) ?? dimension).name : [],
      ),
      lengths: own.map((length, axis) => {
        const id = dimensions[axis]?.id;
        return visible && unlimited[axis] && id !== undefined
          ? Math.max(length, this.#lengths.get(id) ?? 0)
          : length;
      }),
    };
  }

  #walk(root: GraphObject): void {
    const seen = new Set<GraphObject>();
    let repeated = 0;
    const waiting: { name: string; group: GraphObject; parent: Scope | undefined }[] = [
      { name: "", group: root, parent: undefined },
    ];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { name, group, parent } = next;
      if (seen.has(group)) {
        if (isWithin(parent, group) || repeated >= MAXIMUM_REPEATED) continue;
        repeated += 1 + group.members.size;
      }
      seen.add(group);
      const scope: Scope = newScope(parent, group);
      parent?.children.set(name, scope);
      this.#scopes.push(scope);
      const groups: typeof waiting = [];
      for (const [below, member] of group.members) {
        if (member instanceof MoraineError) continue;
        if (member.kind === "group") groups.push({ name: below, group: member, parent: scope });
        else if (member.kind === "datatype") this.#types.add(member);
        else {
          const dataset = this.#datasets.get(member);
          if (dataset) this.#readDataset(scope, below, dataset);
        }
      }
      for (const entry of groups.reverse()) waiting.push(entry);
    }
  }

  /** Siblings in their order, as netCDF-C matches: the numbers of phony dimensions depend on it. */
  #membersFirst(): Scope[] {
    const order: Scope[] = [];
    const waiting = this.#scopes.slice(0, 1);
    for (let scope = waiting.pop(); scope; scope = waiting.pop()) {
      order.push(scope);
      for (const child of scope.children.values()) waiting.push(child);
    }
    return order.reverse();
  }

  #readDataset(scope: Scope, name: string, dataset: Dataset): void {
    const { object, dataspace } = dataset;
    const shape = this.#extents.get(object) ?? (dataspace.kind === "simple" ? dataspace.shape : []);
    const unlimited =
      dataspace.kind === "simple" ? dataspace.maximumShape.map((length) => length === undefined) : [];
    const dimensions = new Array<Dimension | undefined>(shape.length).fill(undefined);
    const scale = shape.length > 0 && isScale(object);
    if (scale) {
      const dimension = this.#add(
        scope,
        name,
        shape[0] ?? 0,
        unlimited[0] ?? false,
        dimensionId(object),
        object,
      );
      if (shape.length === 1 || isDimensionOnly(object)) dimensions[0] = dimension;
    }
    const ids = coordinateIds(object);
    scope.variables.push({
      name,
      dataset,
      shape,
      unlimited,
      dimensions,
      ids: ids.length === shape.length ? ids : [],
      visible: !isDimensionOnly(object) && this.#types.admits(dataset.datatype),
    });
  }

  #add(
    scope: Scope,
    name: string,
    length: number,
    unlimited: boolean,
    assigned: number | undefined,
    scale?: GraphObject,
  ): Dimension {
    const id = assigned ?? this.#nextId;
    this.#nextId = Math.max(this.#nextId, id + 1);
    const dimension: Dimension = { id, name, length, unlimited, ...(scale && { scale }) };
    push(scope.byExtent, extentOf(length, unlimited), dimension);
    if (scale) push(scope.byScale, scale.header.address, dimension);
    this.#byId.set(id, dimension);
    return dimension;
  }

  #match(scopes: readonly Scope[], wanted: (variable: Variable) => boolean): void {
    for (const scope of scopes) {
      for (const variable of scope.variables) if (wanted(variable)) this.#matchVariable(scope, variable);
    }
  }

  #matchVariable(scope: Scope, variable: Variable): void {
    const { dataset, dimensions, ids, shape } = variable;
    ids.forEach((id, axis) => {
      dimensions[axis] ??= this.#byId.get(id);
    });
    if (shape.length === 0 || dimensions.every((dimension) => dimension !== undefined)) return;
    const scales = attachedScales(dataset.object, shape.length);
    // As in netCDF-C, the first axis decides whether there are scales at all.
    if (scales?.[0]?.length) {
      scales.forEach((addresses, axis) => {
        // Of several scales the last one counts.
        const address = addresses.at(-1);
        if (address !== undefined) dimensions[axis] ??= this.#scaleDimension(scope, dataset.object, address);
      });
    }
    shape.forEach((length, axis) => {
      dimensions[axis] ??= this.#phony(scope, variable, length, axis);
    });
  }

  /** The dimension of a scale, in this group or above it; elsewhere netCDF-C does not find it. */
  #scaleDimension(scope: Scope, object: GraphObject, address: number): Dimension | undefined {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      for (const dimension of at.byScale.get(address) ?? []) {
        if (dimension.scale?.in === object.in) return dimension;
      }
    }
    for (const dimension of this.#byId.values()) {
      if (dimension.scale?.header.address === address && dimension.scale.in === object.in) return dimension;
    }
    return undefined;
  }

  /** One of this length in the group that the variable does not use yet, or a new one. */
  #phony(scope: Scope, { dimensions, unlimited }: Variable, length: number, axis: number): Dimension {
    const isUnlimited = unlimited[axis] ?? false;
    const earlier = dimensions.slice(0, axis);
    const alike = scope.byExtent.get(extentOf(length, isUnlimited)) ?? [];
    const same = alike.find((dimension) => !earlier.includes(dimension));
    return same ?? this.#add(scope, `phony_dim_${this.#nextId}`, length, isUnlimited, undefined);
  }
}

function newScope(parent: Scope | undefined, group: GraphObject): Scope {
  return { parent, group, byExtent: new Map(), byScale: new Map(), variables: [], children: new Map() };
}

function extentOf(length: number, unlimited: boolean): string {
  return unlimited ? `${length}+` : `${length}`;
}

function push<Key>(lists: Map<Key, Dimension[]>, key: Key, dimension: Dimension): void {
  const list = lists.get(key);
  if (list) list.push(dimension);
  else lists.set(key, [dimension]);
}

function pair<Key, Value>(key: Key, value: Value | undefined): [Key, Value][] {
  return value === undefined ? [] : [[key, value]];
}

function isWithin(scope: Scope | undefined, group: GraphObject): boolean {
  for (let at = scope; at; at = at.parent) if (at.group === group) return true;
  return false;
}

/**
 * What names mean in a group: dimensions and enumerations of it and of the groups above (DAP4 Specification, Volume 1,
 * "Fully Qualified Names"), and names for dimensions that have none.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { wholeNumber } from "./chunk-columns.ts";
import type { Element } from "./document.ts";

/** An axis of a variable. */
export interface Axis {
  readonly name: string;
  readonly length: number;
}

/** A group with its declarations. */
export class Scope {
  readonly #parent: Scope | undefined;
  readonly #element: Element;
  /** Invented dimensions of the group, by their lengths. */
  readonly #phony: Axis[] = [];
  readonly #counter: { next: number };

  constructor(element: Element, parent?: Scope) {
    this.#element = element;
    this.#parent = parent;
    this.#counter = parent ? parent.#counter : { next: 0 };
  }

  /**
   * The axes of a variable. Those without a name get one as netCDF-C invents them: the same for the same length, but
   * not twice within a variable.
   *
   * Errors: `InvalidMetadata` for a dimension that is not declared, or has no usable size.
   */
  axes(variable: Element): Axis[] {
    const axes: Axis[] = [];
    for (const { name, attributes } of variable.children) {
      if (name !== "Dim") continue;
      const given = attributes.get("name");
      if (given === undefined || given === "")
        axes.push(this.#invented(lengthOf(attributes.get("size")), axes));
      else axes.push(this.#dimension(given));
    }
    return axes;
  }

  /** The type of the integers of an enumeration. Errors: `InvalidMetadata` for one that is not declared. */
  enumerationType(name: string): string {
    const type = this.#declaration("Enumeration", name)?.attributes.get("basetype");
    if (type === undefined)
      throw new MoraineError("InvalidMetadata", `the enumeration ${name} is not declared`);
    return type;
  }

  #dimension(name: string): Axis {
    const declaration = this.#declaration("Dimension", name);
    if (declaration === undefined)
      throw new MoraineError("InvalidMetadata", `the dimension ${name} is not declared`);
    return {
      name: name.slice(name.lastIndexOf("/") + 1),
      length: lengthOf(declaration.attributes.get("size")),
    };
  }

  #invented(length: number, used: readonly Axis[]): Axis {
    const known = this.#phony.find((axis) => axis.length === length && !used.includes(axis));
    if (known) return known;
    const axis = { name: `phony_dim_${this.#counter.next++}`, length };
    this.#phony.push(axis);
    return axis;
  }

  /** `/group/name` from the root, or `name` here and above. */
  #declaration(kind: string, name: string): Element | undefined {
    if (!name.startsWith("/")) {
      const own = declared(this.#element, kind, name);
      return own ?? (this.#parent ? this.#parent.#declaration(kind, name) : undefined);
    }
    const groups = name.slice(1).split("/");
    const last = groups.pop() ?? "";
    let element: Element | undefined = this.#root().#element;
    for (const group of groups) {
      element = element?.children.find(
        (child) => child.name === "Group" && child.attributes.get("name") === group,
      );
    }
    return element && declared(element, kind, last);
  }

  #root(): Scope {
    return this.#parent ? this.#parent.#root() : this;
  }
}

function declared(element: Element, kind: string, name: string): Element | undefined {
  return element.children.find((child) => child.name === kind && child.attributes.get("name") === name);
}

function lengthOf(size: string | undefined): number {
  const length = wholeNumber(size);
  if (length === undefined) throw new MoraineError("InvalidMetadata", `"${size}" is no size of a dimension`);
  return length;
}

/**
 * Values as text: JSON, CSV, and what is shown on a terminal.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";

/** Nested lists of an array's elements; the element itself for a scalar. */
export function nest(elements: readonly JsonValue[], shape: readonly number[]): JsonValue {
  let level: JsonValue[] = [...elements];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    const rows = shape.slice(0, axis).reduce((product, size) => product * size, 1);
    const outer: JsonValue[] = [];
    for (let row = 0; row < rows; row++) outer.push(level.slice(row * length, (row + 1) * length));
    level = outer;
  }
  return level[0] ?? [];
}

/** A line for each element: its position along each axis, then the value (RFC 4180). */
export function* csvLines(
  elements: readonly JsonValue[],
  shape: readonly number[],
  names: readonly string[],
): Generator<string, void, undefined> {
  yield [...names, "value"].map(csvField).join(",");
  const position = new Array<number>(shape.length).fill(0);
  for (const element of elements) {
    yield [...position, csvField(elementText(element))].join(",");
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (position[axis] ?? 0) + 1;
      position[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One element as a person reads it. */
function elementText(element: JsonValue): string {
  if (typeof element === "string") return element;
  if (typeof element === "object" && element !== null) {
    return JSON.stringify(element, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
  }
  return String(element);
}

/** The first elements of an array, as much as fits a terminal. */
export function preview(elements: readonly JsonValue[], shape: readonly number[], most = 200): string {
  if (elements.length <= most)
    return printNested(
      nest(
        elements.map((element) => elementText(element)),
        shape,
      ),
    );
  const head = elements.slice(0, most).map(elementText).join(" ");
  return `${head} … (${elements.length} values; --output writes all)`;
}

function printNested(value: JsonValue, indent = ""): string {
  if (!Array.isArray(value)) return String(value);
  if (value.every((item) => !Array.isArray(item))) return `${indent}[${value.join(" ")}]`;
  return `${indent}[\n${value.map((item) => printNested(item, `${indent} `)).join("\n")}\n${indent}]`;
}

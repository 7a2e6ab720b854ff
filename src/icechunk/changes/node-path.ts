/**
 * Paths of nodes: absolute, `/` for the root, no empty, `.` or `..` names and no slash at the end.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

/** The canonical form of a path, which may be given without its leading slash. Errors: `InvalidArgument`. */
export function normalizePath(path: string): string {
  const names = path.replace(/^\/|\/$/g, "").split("/");
  if (names.length === 1 && names[0] === "") return "/";
  for (const name of names) {
    if (name === "" || name === "." || name === "..") {
      throw new MoraineError("InvalidArgument", `"${name}" cannot be a name in a path`, { path });
    }
  }
  return `/${names.join("/")}`;
}

/** The path of the group that holds a node; undefined for the root. */
export function parentPath(path: string): string | undefined {
  if (path === "/") return undefined;
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The path of a child. */
export function childPath(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

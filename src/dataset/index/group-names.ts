/**
 * Names of the groups that several sources become.
 *
 * @module
 */

import { nameOf } from "../../storage/address.ts";
import { isNodeName } from "../../zarr/tree.ts";

/** Endings of file names that say what a file is, not which. */
const ENDINGS = /\.(nc|nc3|nc4|cdf|h5|hdf5|hdf|he5|netcdf|zarr|zip|json|parq|parquet|icechunk)$/i;

/**
 * A group name for each address: the name of the file without its ending, numbered where two files have the same.
 */
export function groupNames(addresses: readonly string[]): string[] {
  const taken = new Set<string>();
  return addresses.map((address) => {
    const plain = nameOf(address).replace(ENDINGS, "");
    const base = isNodeName(plain) && plain !== "" ? plain : "source";
    let name = base;
    for (let number = 2; taken.has(name); number++) name = `${base}-${number}`;
    taken.add(name);
    return name;
  });
}

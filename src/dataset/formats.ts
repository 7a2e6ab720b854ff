/**
 * The formats of single files that can be opened, a line each.
 *
 * @module
 */

import type { VirtualArray, VirtualGroup } from "../manifest/virtual-group.ts";
import { dmrpp } from "../readers/dmrpp/dmrpp.ts";
import { hdf5 } from "../readers/hdf5/reader.ts";
import { kerchunkJson } from "../readers/kerchunk/kerchunk-json.ts";
import { netcdf3 } from "../readers/netcdf3/netcdf3.ts";
import { npy } from "../readers/npy/npy.ts";
import type { Reader } from "../readers/reader.ts";
import type { SourceFormat } from "./source.ts";

/** Their readers, in the order in which the first bytes of a file are shown to them. */
export const FORMATS: readonly (readonly [
  format: SourceFormat,
  reader: Reader<VirtualGroup | VirtualArray>,
])[] = [
  ["hdf5", hdf5],
  ["netcdf3", netcdf3],
  ["npy", npy],
  ["kerchunk-json", kerchunkJson],
  ["dmrpp", dmrpp],
];

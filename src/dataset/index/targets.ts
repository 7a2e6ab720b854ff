/**
 * The kinds of targets, a line each.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageRouter } from "../../storage/router.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { IndexPlan } from "./plan.ts";
import type { TargetFormat } from "./summary.ts";
import type { IndexTarget } from "./target.ts";

export interface TargetOptions extends StorageOptions {
  /** Whether a Zarr store keeps references instead of copies. */
  readonly virtual?: boolean | undefined;
  readonly storage: StorageRouter;
  /** Of a repository. */
  readonly branch?: string | undefined;
  /** Snapshot that the plan was made for: another tip of the branch is a `Conflict`. */
  readonly base?: string | undefined;
  /** Path of the group that is written. Default: the root. */
  readonly group?: string | undefined;
  /** Whether groups that are there get other attributes. */
  readonly updates?: boolean | undefined;
}

/** Opens or makes a target for a plan. Nothing is visible in it before its commit. */
export async function openTarget(
  address: string,
  format: TargetFormat,
  plan: IndexPlan,
  options: TargetOptions,
): Promise<IndexTarget> {
  if (options.branch !== undefined && format !== "icechunk") {
    throw new MoraineError("InvalidArgument", `a target of the kind ${format} has no branches`);
  }
  if (options.virtual === true && format !== "zarr") {
    throw new MoraineError(
      "InvalidArgument",
      "only a Zarr store can be virtual or not; other targets always are",
    );
  }
  switch (format) {
    case "icechunk": {
      const { RepositoryTarget } = await import("./repository-target.ts");
      return await RepositoryTarget.open(address, plan, options);
    }
    case "zarr": {
      const { StoreTarget } = await import("./store-target.ts");
      return await StoreTarget.create(options.storage, address, options);
    }
    case "kerchunk-json":
    case "kerchunk-parquet": {
      const { KerchunkTarget } = await import("./kerchunk-target.ts");
      const form = format === "kerchunk-json" ? "json" : "parquet";
      return await KerchunkTarget.create(options.storage, address, form, options);
    }
  }
}

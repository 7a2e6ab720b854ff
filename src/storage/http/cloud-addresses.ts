/**
 * The public HTTPS forms of Google's and Azure's addresses, for reading.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

/**
 * `gs://bucket/key` (also `gcs://`) as Google Cloud Storage serves it to everybody.
 *
 * @example
 * googleAddress("gs://bucket/a b.nc") // https://storage.googleapis.com/bucket/a%20b.nc
 */
export function googleAddress(address: string): string {
  const [, bucket = "", key = ""] = /^g(?:c)?s:\/\/([^/?#]+)\/(.*)$/is.exec(address) ?? [];
  if (bucket === "") {
    throw new MoraineError("InvalidArgument", "a Google address is gs://bucket/key", { source: address });
  }
  return `https://storage.googleapis.com/${bucket}/${escapeKey(key)}`;
}

/**
 * An Azure blob as its account serves it to everybody. Forms: `az://container/key` with the account given,
 * `az://account.blob.core.windows.net/container/key`, `abfs[s]://container@account.dfs.core.windows.net/key`.
 *
 * @param account name of the storage account, for the first form
 */
export function azureAddress(address: string, account: string | undefined): string {
  const [, container, ownAccount, blob] =
    /^abfss?:\/\/([^/?#@]+)@([^./?#@]+)\.(?:dfs|blob)\.core\.windows\.net\/(.*)$/is.exec(address) ?? [];
  if (container !== undefined && ownAccount !== undefined) {
    return blobAddress(ownAccount, container, blob ?? "");
  }
  const [, host = "", key = ""] = /^[a-z]+:\/\/([^/?#@]+)\/(.*)$/is.exec(address) ?? [];
  const named = /^([^.]+)\.(?:blob|dfs)\.core\.windows\.net$/i.exec(host)?.[1];
  if (named !== undefined) {
    const slash = key.indexOf("/");
    if (slash > 0) return blobAddress(named, key.slice(0, slash), key.slice(slash + 1));
  } else if (host !== "" && account !== undefined) {
    return blobAddress(account, host, key);
  }
  throw new MoraineError(
    "InvalidArgument",
    "an Azure address is az://container/key with the account given (AZURE_STORAGE_ACCOUNT), " +
      "or az://account.blob.core.windows.net/container/key",
    { source: address },
  );
}

function blobAddress(account: string, container: string, key: string): string {
  if (!/^[a-z0-9-]+$/i.test(account)) {
    throw new MoraineError("InvalidArgument", "the name of an Azure account has letters and digits only");
  }
  return `https://${account}.blob.core.windows.net/${container}/${escapeKey(key)}`;
}

function escapeKey(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}

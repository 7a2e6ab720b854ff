import { expect, it } from "vitest";
import { azureAddress, googleAddress } from "../../../src/storage/http/cloud-addresses.ts";

it("maps Google's addresses", () => {
  expect(googleAddress("gs://bucket/a/b c#1.nc")).toBe(
    "https://storage.googleapis.com/bucket/a/b%20c%231.nc",
  );
  expect(googleAddress("gcs://bucket/x")).toBe("https://storage.googleapis.com/bucket/x");
  expect(() => googleAddress("gs://bucket")).toThrow(/gs:\/\/bucket\/key/);
});

it("maps Azure's addresses", () => {
  expect(azureAddress("az://container/a b", "acc")).toBe("https://acc.blob.core.windows.net/container/a%20b");
  expect(azureAddress("az://acc.blob.core.windows.net/container/a/b", undefined)).toBe(
    "https://acc.blob.core.windows.net/container/a/b",
  );
  expect(azureAddress("abfs://container@acc.dfs.core.windows.net/a/b", undefined)).toBe(
    "https://acc.blob.core.windows.net/container/a/b",
  );
  expect(() => azureAddress("az://container/a", undefined)).toThrow(/AZURE_STORAGE_ACCOUNT/);
  expect(() => azureAddress("az://container/a", "evil.example/")).toThrow();
});

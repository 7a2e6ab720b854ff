import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MoraineError, withoutSecrets } from "../../src/errors.ts";
import {
  addressToPath,
  joinAddress,
  keyBelow,
  pathToAddress,
  refuseSecrets,
  relativeAddress,
  resolveAddress,
} from "../../src/storage/address.ts";

const names = fc.array(
  fc.string({ unit: "grapheme", minLength: 1 }).filter((name) => !/[/\0]|^\.{1,2}$/.test(name)),
  {
    minLength: 1,
    maxLength: 4,
  },
);

describe("addresses", () => {
  it("stand for paths, whatever characters are in them", () => {
    fc.assert(
      fc.property(names, (parts) => {
        const path = `/${parts.join("/")}`;
        expect(addressToPath(pathToAddress(path))).toBe(path);
        expect(new URL(pathToAddress(path)).href.replace(/'/g, "%27")).toBe(
          pathToAddress(path).replace(/'/g, "%27"),
        );
      }),
    );
  });

  it("of keys below a folder lead back to the keys", () => {
    fc.assert(
      fc.property(
        names,
        fc.constantFrom("file:///a/", "https://host/a/", "s3://bucket/a/", "memory://a/"),
        (parts, folder) => {
          const key = parts.join("/");
          expect(keyBelow(folder, joinAddress(folder, key))).toBe(key);
        },
      ),
    );
  });

  it("resolve . and .. of paths", () => {
    expect(resolveAddress("../b/./c.nc", "/data/a")).toBe("file:///data/b/c.nc");
    expect(resolveAddress("/../../etc", "/")).toBe("file:///etc");
    expect(resolveAddress("https://host/a", "/")).toBe("https://host/a");
  });

  it("with a user name or password are refused, without repeating them", () => {
    for (const address of [
      "https://user:5ecre7@host/a",
      "s3://AKIA:5ecre7@bucket/key",
      "https://5ecre7@host/a",
    ]) {
      const attempt = () => resolveAddress(address, "/");
      expect(attempt).toThrow(MoraineError);
      expect(attempt).not.toThrow(/5ecre7/);
    }
    expect(resolveAddress("abfss://container@account.dfs.core.windows.net/a", "/")).toContain("container");
  });

  it("of other machines are no paths", () => {
    expect(() => addressToPath("file://host/a")).toThrow(MoraineError);
    expect(() => addressToPath("file:///a%00b")).toThrow(MoraineError);
    expect(() => addressToPath("file:///a%zz")).toThrow(MoraineError);
    expect(addressToPath("file://localhost/a")).toBe("/a");
  });
});

describe("what a file refers to", () => {
  it("is resolved against its folder", () => {
    expect(relativeAddress("file:///data/x/a.h5", "../b.h5")).toBe("file:///data/b.h5");
    expect(relativeAddress("https://host/x/a.h5?v=1", "sub/b c.h5")).toBe("https://host/x/sub/b%20c.h5");
    expect(relativeAddress("s3://bucket/x/a.h5", "/b.h5")).toBe("s3://bucket/b.h5");
    expect(relativeAddress("https://host/x/a.h5", "../../../../etc/passwd")).toBe("https://host/etc/passwd");
  });

  it("is never another storage or host", () => {
    for (const [source, path] of [
      ["https://host/a.h5", "file:///etc/passwd"],
      ["https://host/a.h5", "http://169.254.169.254/latest"],
      ["https://host/a.h5", "https://other/a.h5"],
      ["s3://bucket/a.h5", "s3://other/a.h5"],
      ["file:///a.h5", "https://host/a.h5"],
      ["https://host/a.h5", "https://user:p@host/a.h5"],
    ] as const) {
      expect(() => relativeAddress(source, path)).toThrow(MoraineError);
    }
    expect(relativeAddress("https://host/a.h5", "https://HOST/b.h5")).toBe("https://HOST/b.h5");
  });
});

describe("credentials in addresses", () => {
  const signed = [
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA5ecre7%2F20261124&X-Amz-Signature=5ecre7&X-Amz-Date=1",
    "https://acc.blob.core.windows.net/c/k?sv=2024&sig=5ecre7%3D&se=2026",
    "https://storage.googleapis.com/b/k?GoogleAccessId=5ecre7&Expires=1&Signature=5ecre7",
    "https://host/k?access_token=5ecre7#top",
    "https://user:5ecre7@host/k",
  ];

  it("are left out of errors", () => {
    for (const address of signed) {
      const error = new MoraineError("StorageFailed", `cannot read ${address} at all`, { source: address });
      expect(JSON.stringify(error) + String(error)).not.toContain("5ecre7");
      expect(error.at({ path: "/a" }).source).toBe(error.source);
      expect(error.message).toMatch(/at all$/);
    }
    const plain = "https://host/k?time=5&token_count=3&bbox=1,2";
    expect(withoutSecrets(plain)).toBe(plain);
  });

  it("are refused where the address would be written down", () => {
    for (const address of signed) expect(() => refuseSecrets(address)).toThrow(/signature or token/);
    expect(() => refuseSecrets("https://host/k?time=5")).not.toThrow();
  });
});

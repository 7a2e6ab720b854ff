import { describe, expect, it } from "vitest";
import {
  locationOfAddress,
  VirtualChunkAccess,
  virtualObjectOf,
} from "../../../src/icechunk/changes/virtual-chunks.ts";
import { parseConfigYaml } from "../../../src/icechunk/format/config-yaml.ts";

const CONTAINERS = [
  { urlPrefix: "s3://bucket/" },
  { urlPrefix: "s3://bucket/deep/" },
  { urlPrefix: "file:///data/", name: "data" },
];
const access = (authorize: readonly string[] | "all") =>
  new VirtualChunkAccess(CONTAINERS, authorize, "memory://r");

function codeOf(task: () => unknown): string {
  try {
    task();
    return "none";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

describe("a virtual location", () => {
  it("is allowed by the container of the longest prefix", () => {
    const shallow = access(["s3://bucket/deep/"]);
    expect(shallow.resolve({ location: "s3://bucket/deep/a" }).address).toBe("s3://bucket/deep/a");
    expect(codeOf(() => shallow.resolve({ location: "s3://bucket/a" }))).toBe("Unauthorized");
    expect(codeOf(() => access([]).resolve({ location: "s3://bucket/a" }))).toBe("Unauthorized");
    expect(codeOf(() => access("all").resolve({ location: "s3://other/a" }))).toBe("Unauthorized");
    expect(shallow.locate({ location: "s3://bucket/a" }).address).toBe("s3://bucket/a");
  });

  it("may name a container", () => {
    expect(access("all").resolve({ location: "vcc://data/x/y.nc" }).address).toBe("file:///data/x/y.nc");
    expect(codeOf(() => access("all").resolve({ location: "vcc://other/x" }))).toBe("NotFound");
  });

  it("says what to authorize", () => {
    expect(() => access([]).resolve({ location: "file:///data/a.nc" })).toThrow(
      'authorize: ["file:///data/"]',
    );
  });

  it("climbs out of nothing, however it is written", () => {
    for (const path of [
      "../../etc/passwd",
      "%2e%2e/etc/passwd",
      ".%2E/x",
      "a/../../x",
      "a%2F..%2F..%2Fx",
      "../x",
    ]) {
      for (const base of ["file:///data/", "vcc://data/", "s3://bucket/"]) {
        expect([path, base, codeOf(() => access("all").resolve({ location: base + path }))]).toEqual([
          path,
          base,
          "InvalidArgument",
        ]);
      }
    }
  });

  it("escapes what readers would cut off, and refuses what they cannot say", () => {
    expect(locationOfAddress("s3://bucket/a?b#c%d")).toBe("s3://bucket/a%3Fb%23c%25d");
    expect(access("all").resolve({ location: "s3://bucket/a%3Fb%23c%25d" }).address).toBe(
      "s3://bucket/a?b#c%d",
    );
    expect(codeOf(() => locationOfAddress("https://host/a?token=1"))).toBe("Incompatible");
    expect(codeOf(() => locationOfAddress("relative/path"))).toBe("InvalidArgument");
  });

  it("keeps the version by which a change is noticed", () => {
    expect(virtualObjectOf("s3://b/a", { etag: '"x"', lastModified: 5 })).toEqual({
      location: "s3://b/a",
      etag: '"x"',
    });
    expect(virtualObjectOf("s3://b/a", { etag: 'W/"x"', lastModified: 1500 })).toEqual({
      location: "s3://b/a",
      lastModified: 2,
    });
    // What another repository's reference allows, this one allows too.
    expect(virtualObjectOf("s3://b/a", { notAfter: 2000 })).toEqual({
      location: "s3://b/a",
      lastModified: 2,
    });
    // Official readers make ETags of local files in a way of their own.
    expect(virtualObjectOf("file:///a", { etag: '"1-2-3"', lastModified: 1000 })).toEqual({
      location: "file:///a",
      lastModified: 1,
    });
    expect(access("all").resolve({ location: "file:///data/a", etag: '"1a-3e8-10"' }).version).toEqual({
      size: 16,
      notAfter: 1.001,
    });
  });
});

describe("config.yaml", () => {
  const parse = (text: string) => parseConfigYaml(new TextEncoder().encode(text), "config.yaml");

  it("is read as its writers mean it", () => {
    expect(
      parse(
        "a: 1\nb:\n  c: !s3\n    region: 'it''s'\n  d: !local /x y\ne:\n- 1.5\n- - x\n  - {}\n-\n  f: ~\n",
      ),
    ).toEqual({
      a: 1,
      b: { c: { s3: { region: "it's" } }, d: { local: "/x y" } },
      e: [1.5, ["x", {}], { f: null }],
    });
    expect(parse("")).toEqual({});
    expect(parse('"quoted key": "\\u00e4"\ns3://a/:\n  n: 9007199254740993\n')).toEqual({
      "quoted key": "ä",
      "s3://a/": { n: 9007199254740993n },
    });
  });

  it("is an error where it is something else", () => {
    for (const text of [
      "- 1\n",
      "a: [1, 2\n",
      "a: |\n  text\n",
      "a: 1\n b: 2\n",
      "a: &x 1\n",
      "a\n",
      `${"- ".repeat(60)}1\n`,
    ]) {
      expect([text, codeOf(() => parse(text))]).toEqual([text, "CorruptFile"]);
    }
    expect(codeOf(() => parseConfigYaml(Uint8Array.of(0xff, 0xfe), "x"))).toBe("CorruptFile");
  });
});

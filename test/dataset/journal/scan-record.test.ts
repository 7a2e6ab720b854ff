import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { crc32c } from "../../../src/binary/crc32.ts";
import { MetadataTexts } from "../../../src/dataset/journal/metadata-texts.ts";
import { decodeManifest } from "../../../src/dataset/journal/recorded-manifest.ts";
import { encodeScan, parseScan } from "../../../src/dataset/journal/scan-record.ts";
import { scanSource } from "../../../src/dataset/journal/scan-source.ts";
import type { ScannedFile, ScannedNode } from "../../../src/dataset/journal/scanned-file.ts";
import { sourceOfScan } from "../../../src/dataset/journal/scanned-source.ts";
import { addressOf } from "../../../src/dataset/open.ts";
import { isMoraineError } from "../../../src/errors.ts";
import "../../../src/node.ts";
import { StorageRouter } from "../../../src/storage/router.ts";

const daily = fileURLToPath(new URL("../../data/combine/daily-0.nc", import.meta.url));
const storage = new StorageRouter();
let scanned: ScannedFile;

beforeAll(async () => {
  const found = await scanSource(addressOf(daily), { storage });
  if (found.kind !== "scanned") throw new Error("not one file");
  scanned = found.file;
});

/** The record with another header, and the checksum of that. */
function forged(bytes: Uint8Array, change: (header: string) => string): Uint8Array {
  const view = new DataView(bytes.buffer);
  const length = view.getUint32(8, true);
  const columns = bytes.subarray(Math.ceil((16 + length) / 8) * 8);
  const header = new TextEncoder().encode(change(new TextDecoder().decode(bytes.subarray(16, 16 + length))));
  const start = Math.ceil((16 + header.length) / 8) * 8;
  const result = new Uint8Array(start + columns.length);
  result.set(bytes.subarray(0, 8));
  result.set(header, 16);
  result.set(columns, start);
  const written = new DataView(result.buffer);
  written.setUint32(8, header.length, true);
  written.setUint32(12, crc32c(result.subarray(16)), true);
  return result;
}

describe("a record of a scan", () => {
  it("gives back what was scanned", () => {
    const texts = new MetadataTexts();
    const bytes = encodeScan(scanned, texts) ?? new Uint8Array(0);
    const parsed = parseScan(bytes, texts);
    const nodes = parsed.nodes.map((node) =>
      node.kind === "array" && node.manifest
        ? { ...node, manifest: decodeManifest(node.manifest, columnsOf(bytes, node.manifest)) }
        : node,
    );
    expect(nodes.map((node) => plain<unknown>(node))).toEqual(scanned.nodes.map(plain));
    expect(nodes.some((node) => node.kind === "array" && node.values !== undefined)).toBe(true);
  });

  it.each([
    ["a negative count", /"count":\d+/, '"count":-1'],
    ["a count beyond the grid", /"count":\d+/, '"count":4000000000'],
    ["a count that is no whole number", /"count":\d+/, '"count":0.5'],
    ["columns beyond the record", /"at":\d+/, '"at":80000000'],
    ["columns at an odd place", /"at":0/, '"at":1'],
    ["values beyond the record", /"values":\[\d+,/, '"values":[8000000,'],
    ["values of a negative length", /"values":\[(\d+),\d+\]/, '"values":[$1,-4]'],
    ["inline bytes of a negative length", /"inline":\[\]/, '"inline":[[0,-8]]'],
    ["inline bytes of an entry that is not there", /"inline":\[\]/, '"inline":[[70000,8]]'],
    ["a grid of no whole numbers", /"grid":\[\d+/, '"grid":[0.25'],
    ["a member that is not there", /"children":\[\["(\w+)",\d+\]/, '"children":[["$1",70000]'],
    ["a twin that is itself", /"kind":"array",/, '"kind":"array","twin":1,'],
  ])("that was forged is refused as no record: %s", (_, pattern, replacement) => {
    const bytes = encodeScan(scanned, new MetadataTexts()) ?? new Uint8Array(0);
    const changed = forged(bytes, (header) => {
      expect(header).toMatch(pattern);
      return header.replace(pattern, replacement);
    });
    const read = () => {
      const file = parseScan(changed, new MetadataTexts());
      const load = () => () => Promise.reject(new Error("not asked for"));
      sourceOfScan(file, load, { storage });
    };
    let caught: unknown;
    try {
      read();
    } catch (error) {
      caught = error;
    }
    expect(isMoraineError(caught, "InvalidMetadata")).toBe(true);
  });
});

/** An empty configuration of a codec and none are the same. */
function plain<Manifest>(node: ScannedNode<Manifest>): unknown {
  if (node.kind !== "array") return node;
  const { metadata } = node;
  const codecs = metadata.codecs.map(({ name, configuration = {} }) => ({ name, configuration }));
  return { ...node, metadata: { ...metadata, codecs } };
}

function columnsOf(bytes: Uint8Array, { at, bytes: length }: { at: number; bytes: number }): Uint8Array {
  return bytes.subarray(at, at + length);
}

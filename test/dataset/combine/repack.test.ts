import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeFillValueAttribute } from "../../../src/manifest/fill-value-attribute.ts";
import { get, index, isMoraineError, open } from "../../../src/node.ts";
import { archiveFile, newRepository } from "./archive.ts";

/** What xarray reads of two files after each other (scripts/make-combine-data.py); null is missing. */
const pairs: Readonly<
  Record<string, { readonly files: readonly string[]; readonly values: readonly (number | null)[] }>
> = JSON.parse(readFileSync(new URL("../../data/combine/repacked.json", import.meta.url), "utf8"));

/** The numbers of `v` as its attributes say; null for a missing one. */
async function unpacked(address: string): Promise<(number | null)[]> {
  const array = await (await open(address)).array("v");
  const { data } = await get(array);
  const {
    scale_factor: scale = 1,
    add_offset: offset = 0,
    _FillValue: fill = null,
    _Unsigned,
  } = array.attributes;
  const mark = decodeFillValueAttribute(fill, array.metadata.dataType);
  return Array.from(data as ArrayLike<number | bigint>, (stored) => {
    if (Number(stored) === mark || Number.isNaN(Number(stored))) return null;
    const whole = _Unsigned === "true" ? Number(stored) & 0xff : Number(stored);
    return whole * Number(scale) + Number(offset);
  });
}

async function append(first: string, second: string, drift?: "decode") {
  const target = newRepository();
  await index(archiveFile(first), target);
  return { target, appending: () => index(archiveFile(second), target, { append: "time", drift }) };
}

describe("numbers that are packed otherwise than what they are appended to", () => {
  it.each(Object.entries(pairs))("are stored as what is there, on request: %s", async (_, pair) => {
    const [first = "", second = ""] = pair.files;
    const { target, appending } = await append(first, second, "decode");
    const { notes, decoded, chunks } = await appending();
    expect(await unpacked(target)).toEqual(pair.values);
    const [before, after] = await Promise.all(
      [archiveFile(first), target].map(async (address) => await (await open(address)).array("v")),
    );
    expect(after?.metadata.dataType).toEqual(before?.metadata.dataType);
    expect(after?.attributes["scale_factor"]).toEqual(before?.attributes["scale_factor"]);
    expect(notes.map(({ note }) => note).join()).toContain(second);
    expect(decoded.map(({ path }) => path)).toEqual(["/v"]);
    expect(chunks.virtual).toBe(0);
  });

  it("are refused otherwise, and what can be done is said", async () => {
    const { target, appending } = await append("pack-quarters.nc", "pack-halves.nc");
    await expect(appending()).rejects.toMatchObject({
      code: "Incompatible",
      path: "/v",
      source: `file://${archiveFile("pack-halves.nc")}`,
      message: expect.stringMatching(/scale_factor=0\.25.*scale_factor=0\.5.*--drift decode/s),
    });
    expect(await unpacked(target)).toEqual([10, 10.25, null, 7510]);
  });

  it.each([
    ["a number between two", "pack-quarters.nc", "pack-eighths.nc", "10.375 at [2]"],
    ["a number that would be taken for missing", "pack-quarters.nc", "pack-mark.nc", "-239.75 at [1]"],
    ["a number beyond the type", "pack-quarters.nc", "pack-large.nc", "20010 at [1]"],
    [
      "a missing value where nothing stands for one",
      "pack-signed.nc",
      "pack-missing.nc",
      "missing value at [1]",
    ],
  ])(
    "are refused where one has no place there, with the file and the number: %s",
    async (_, first, second, words) => {
      const { target, appending } = await append(first, second, "decode");
      const before = await unpacked(target);
      const error = await appending().catch((reason: unknown) => reason);
      if (!isMoraineError(error)) throw error;
      expect(error).toMatchObject({
        code: "Incompatible",
        path: "/v",
        source: `file://${archiveFile(second)}`,
      });
      expect(error.message).toContain(words);
      expect(error.message).toContain(target);
      expect(await unpacked(target)).toEqual(before);
    },
  );
});

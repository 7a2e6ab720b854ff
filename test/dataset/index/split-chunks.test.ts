import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { digestSource } from "../../../src/dataset/digest.ts";
import { openSource } from "../../../src/dataset/open.ts";
import { index, open } from "../../../src/node.ts";

const file = (name: string) => fileURLToPath(new URL(`../../data/${name}`, import.meta.url));

async function digests(address: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const row of digestSource(await openSource(address))) found[row.path] = row.value;
  return found;
}

describe("cutting uncompressed chunks", () => {
  it("refers to parts of them, and changes no value", async () => {
    const target = "memory://split-chunks/one";
    const summary = await index(file("demo/sst-classic.nc"), target, { splitChunks: 300 });
    const array = await (await open(target)).array("sst");
    // A record is 20 x 30 short integers; 5 rows of 60 bytes are at most 300.
    expect(array.chunkGrid).toEqual({ name: "regular", chunkShape: [1, 5, 30] });
    expect(summary.chunks.native).toBe(0);
    expect(await digests(target)).toEqual(await digests(file("demo/sst-classic.nc")));
  });

  it("leaves compressed ones alone", async () => {
    const target = "memory://split-chunks/two";
    await index(file("combine/daily-0.nc"), target, { splitChunks: 8 });
    const root = await open(target);
    expect((await root.array("v")).chunkGrid).toEqual({ name: "regular", chunkShape: [2, 2, 3] });
    expect((await root.array("lon")).chunkGrid).toEqual({ name: "regular", chunkShape: [1] });
    expect(await digests(target)).toEqual(await digests(file("combine/daily-0.nc")));
  });

  it("goes with joining files", async () => {
    const target = "memory://split-chunks/three";
    const files = [0, 1].map((number) => file(`combine/classic-${number}.nc`));
    await index(files, target, { concat: "time", splitChunks: 12 });
    const array = await (await open(target)).array("v");
    expect(array.chunkGrid).toEqual({ name: "regular", chunkShape: [1, 1, 3] });
    const whole = "memory://split-chunks/whole";
    await index(files, whole, { concat: "time" });
    expect(await digests(target)).toEqual(await digests(whole));
  });
});

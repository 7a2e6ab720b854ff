import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { index, open } from "../../../src/node.ts";
import { digestsOf } from "../contents.ts";

const file = (name: string) => fileURLToPath(new URL(`../../data/${name}`, import.meta.url));

describe("cutting uncompressed chunks", () => {
  it("refers to parts of them, and changes no value", async () => {
    const target = "memory://split-chunks/one";
    const summary = await index(file("demo/sst-classic.nc"), target, { splitChunks: 300 });
    const array = await (await open(target)).array("sst");
    // A record is 20 x 30 short integers; 5 rows of 60 bytes are at most 300.
    expect(array.chunkGrid).toEqual({ name: "regular", chunkShape: [1, 5, 30] });
    expect(summary.chunks.native).toBe(0);
    expect(await digestsOf(target)).toEqual(await digestsOf(file("demo/sst-classic.nc")));
  });

  it("leaves compressed ones alone", async () => {
    const target = "memory://split-chunks/two";
    await index(file("combine/daily-0.nc"), target, { splitChunks: 8 });
    const root = await open(target);
    expect((await root.array("v")).chunkGrid).toEqual({ name: "regular", chunkShape: [2, 2, 3] });
    expect((await root.array("lon")).chunkGrid).toEqual({ name: "regular", chunkShape: [1] });
    expect(await digestsOf(target)).toEqual(await digestsOf(file("combine/daily-0.nc")));
  });

  it("goes with joining files", async () => {
    const target = "memory://split-chunks/three";
    const files = [0, 1].map((number) => file(`combine/classic-${number}.nc`));
    await index(files, target, { concat: "time", splitChunks: 12 });
    const array = await (await open(target)).array("v");
    expect(array.chunkGrid).toEqual({ name: "regular", chunkShape: [1, 1, 3] });
    const whole = "memory://split-chunks/whole";
    await index(files, whole, { concat: "time" });
    expect(await digestsOf(target)).toEqual(await digestsOf(whole));
  });
});

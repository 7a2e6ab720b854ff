import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import * as modules from "../src/node.ts";

const built = (file: string): URL => new URL(`../dist/bundle/${file}`, import.meta.url);

test("the files for Node hold all that the modules export", async () => {
  const joined: object = await import(built("node.js").href);
  expect(Object.keys(joined).sort()).toEqual(Object.keys(modules).sort());
});

test("threads lie beside the file that starts them", () => {
  for (const thread of ["scan-worker.js", "library-worker.js", "decoding-worker.js"]) {
    expect(existsSync(built(thread)), thread).toBe(true);
  }
});

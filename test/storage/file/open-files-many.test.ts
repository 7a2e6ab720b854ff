import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OpenFiles, readAt } from "../../../src/storage/file/open-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-files-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("never reads another file than was asked for, however many are read side by side", async () => {
  // Three times as many as are kept open, so that descriptors are closed and given to others all the time.
  const paths = Array.from({ length: 200 }, (_, i) => join(folder, `file-${i}`));
  await Promise.all(paths.map((path, i) => writeFile(path, new Uint8Array(64).fill(i))));
  const files = new OpenFiles();
  let state = 1;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % below;
  };
  const readSome = async (): Promise<void> => {
    for (let round = 0; round < 60; round++) {
      const i = random(paths.length);
      const bytes = new Uint8Array(64);
      const count = await files.use(paths[i] ?? "", ({ descriptor }) => readAt(descriptor, bytes, 0));
      expect(count).toBe(64);
      expect(new Set(bytes)).toEqual(new Set([i]));
    }
  };
  await Promise.all(Array.from({ length: 40 }, readSome));
  files.close();
});

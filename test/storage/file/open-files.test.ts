import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pathToAddress } from "../../../src/storage/address.ts";
import { FileStorage } from "../../../src/storage/file/file-storage.ts";
import { OpenFiles, readAt } from "../../../src/storage/file/open-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moraine-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test("a file that is opened by many at once is closed under none of them", async () => {
  const path = join(folder, "shared");
  await writeFile(path, "content");
  for (let round = 0; round < 20; round++) {
    const files = new OpenFiles();
    const readers = Array.from({ length: 60 }, async (_, index) => {
      await sleep(index % 5);
      return await files.use(path, async ({ descriptor }) => {
        const buffer = new Uint8Array(7);
        await readAt(descriptor, buffer, 0);
        return new TextDecoder().decode(buffer);
      });
    });
    expect(new Set(await Promise.all(readers))).toEqual(new Set(["content"]));
    files.close();
  }
});

test.skipIf(!existsSync("/proc/self/fd"))("many storages keep few files open together", async () => {
  const files = Array.from({ length: 300 }, (_, number) => join(folder, `file-${number}`));
  for (const file of files) await writeFile(file, "content");
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (const file of files) await new FileStorage().read(pathToAddress(file), [{ offset: 0 }]);
  expect(open() - before).toBeLessThan(80);
  new FileStorage().close();
});

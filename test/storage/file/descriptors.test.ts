import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pathToAddress } from "../../../src/storage/address.ts";
import { FileStorage } from "../../../src/storage/file/file-storage.ts";

test.skipIf(!existsSync("/proc/self/fd"))("many storages keep no more files open than one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "moraine-descriptors-"));
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let at = 0; at < 300; at++) {
    await writeFile(join(folder, `${at}`), "x");
    await new FileStorage().read(pathToAddress(join(folder, `${at}`)), [{ offset: 0 }]);
  }
  expect(open() - before).toBeLessThan(100);
  new FileStorage().close();
  await rm(folder, { recursive: true });
});

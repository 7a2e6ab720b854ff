import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CachedStorage } from "../../src/storage/cached-storage.ts";
import { FileStorage } from "../../src/storage/file/file-storage.ts";
import { HttpStorage } from "../../src/storage/http/http-storage.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { S3Storage } from "../../src/storage/s3/s3-storage.ts";
import { describeStorage } from "./conformance.ts";
import { ObjectServer } from "./http-server.ts";
import { S3Server } from "./s3-server.ts";

const memory = async () => ({ storage: new MemoryStorage(), folder: "memory://conformance/" });
describeStorage("memory", memory);
describeStorage("memory behind the router", async () => ({
  storage: new StorageRouter(),
  folder: "memory://router/",
}));

describeStorage("local folder", async () => {
  const path = await mkdtemp(join(tmpdir(), "moraine-"));
  const storage = new FileStorage();
  return {
    storage,
    folder: `file://${path}/`,
    async close() {
      storage.close();
      await rm(path, { recursive: true });
    },
  };
});

describeStorage("HTTP", async () => {
  const server = new ObjectServer();
  await server.start();
  return {
    storage: new HttpStorage(),
    folder: `${server.url}/`,
    put: (address, bytes) => {
      server.put(decodeURIComponent(new URL(address).pathname), bytes);
    },
    close: () => server.stop(),
  };
});

describeStorage("S3 as the project's own server speaks it", async () => {
  const server = new S3Server();
  await server.start();
  const credentials = { accessKeyId: "test", secretAccessKey: "secret" };
  return {
    storage: new S3Storage({ endpoint: server.url, region: "us-east-1", credentials }),
    folder: "s3://bucket/folder/",
    close: () => server.stop(),
  };
});

// A real service: MORAINE_TEST_S3=s3://bucket/prefix/ with AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID … as for any tool.
const real = process.env["MORAINE_TEST_S3"];
if (real !== undefined) {
  describeStorage(`S3 at ${real}`, async () => ({
    storage: new S3Storage(),
    folder: `${real.replace(/\/*$/, "/")}${crypto.randomUUID()}/`,
  }));
}

describeStorage("a cache with small blocks", async () => {
  const storage = new MemoryStorage();
  const cached = new CachedStorage(storage, { blockSize: 1000, maximumBytes: 20_000, longest: 3000 });
  return {
    storage: cached,
    folder: "memory://cached/",
  };
});

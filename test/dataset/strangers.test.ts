import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { get, index, open, Repository } from "../../src/node.ts";
import { pathToAddress } from "../../src/storage/address.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { codeOf } from "../storage/conformance.ts";
import { ObjectServer } from "../storage/http-server.ts";

const FILE = fileURLToPath(new URL("../data/demo/sst-2020.nc", import.meta.url));

/** A server in the hands of somebody who wants to read what is not theirs. */
describe("data from strangers", () => {
  const attacker = new ObjectServer();
  const victim = new ObjectServer();
  let folder = "";
  let secret = "";
  beforeAll(async () => {
    await Promise.all([attacker.start(), victim.start()]);
    folder = await mkdtemp(join(tmpdir(), "moraine-strangers-"));
    secret = join(folder, "secret");
    await writeFile(secret, "12345678".repeat(10));
    victim.put("/private/secret", new TextEncoder().encode("12345678".repeat(10)));
    victim.put("/public/data", new TextEncoder().encode("12345678".repeat(10)));
  });
  beforeEach(() => {
    attacker.reset();
    victim.reset();
  });
  afterAll(async () => {
    await Promise.all([attacker.stop(), victim.stop()]);
    await rm(folder, { recursive: true });
  });

  /** References to one chunk of eight bytes, served by the attacker. */
  const references = (url: string, name = "/refs.json"): string => {
    const document = {
      version: 1,
      refs: {
        ".zgroup": '{"zarr_format":2}',
        "a/.zarray": JSON.stringify({
          zarr_format: 2,
          shape: [8],
          chunks: [8],
          dtype: "|u1",
          order: "C",
          compressor: null,
          filters: null,
          fill_value: 0,
        }),
        "a/0": [url, 0, 8],
      },
    };
    return attacker.put(name, new TextEncoder().encode(JSON.stringify(document)));
  };
  const readArray = async (address: string, options: Parameters<typeof open>[1] = {}) =>
    (await get(await (await open(address, options)).array("a"))).data;
  const values = new Uint8Array(new TextEncoder().encode("12345678"));

  it("do not read this machine's files unless they are allowed", async () => {
    const address = references(pathToAddress(secret));
    expect(await codeOf(readArray(address))).toBe("Unauthorized");
    expect(await codeOf(readArray(address, { authorize: [join(folder, "other")] }))).toBe("Unauthorized");
    // Nor what is in the memory of the process.
    const storage = new StorageRouter();
    await storage.write("memory://own/secret", new TextEncoder().encode("12345678"));
    expect(await codeOf(readArray(references("memory://own/secret", "/memory.json"), { storage }))).toBe(
      "Unauthorized",
    );
    expect(await readArray(address, { authorize: [folder] })).toEqual(values);
  });

  it("read only below the prefixes that are authorized", async () => {
    const allowed = [`${victim.url}/public`];
    expect(await readArray(references(`${victim.url}/public/data`), { authorize: allowed })).toEqual(values);
    for (const url of [
      `${victim.url}/private/secret`,
      `${victim.url}/public-not/secret`,
      `${victim.url}/public/../private/secret`,
      `${victim.url}/public/%2e%2E/private/secret`,
      `${victim.url}/public/..%2fprivate/secret`,
      `${victim.url}/public/..\\private/secret`,
      `${victim.url}/public/.\t./private/secret`,
      `${victim.url}\\@${attacker.host}/private/secret`,
      `http://${victim.host}@${attacker.host}/private/secret`,
      `http:///${victim.host}/private/secret`,
    ]) {
      victim.reset();
      const code = await codeOf(readArray(references(url), { authorize: allowed }));
      expect(["Unauthorized", "InvalidArgument"]).toContain(code);
      expect(victim.log).toEqual([]);
    }
  });

  it("do not climb where everything is authorized", async () => {
    for (const path of [
      "/public/../private/secret",
      "/public/%2e%2e/private/secret",
      "/public/..\\private/secret",
    ]) {
      expect(await codeOf(readArray(references(victim.url + path)))).toBe("InvalidArgument");
    }
    expect(victim.log).toEqual([]);
  });

  it("in a repository do not read this machine's files unless they are allowed", async () => {
    const storage = new StorageRouter();
    await index(FILE, "memory://strangers/made.icechunk", { storage });
    // The repository is put on the attacker's server as it is.
    for await (const { address } of storage.list("memory://strangers/made.icechunk/")) {
      const { parts } = await storage.read(address, [{ offset: 0 }]);
      attacker.put(address.replace("memory://strangers", ""), parts[0] ?? new Uint8Array(0));
    }
    const address = `${attacker.url}/made.icechunk`;
    const read = async (options: Parameters<typeof open>[1]) =>
      get(await (await open(address, options)).array("sst"));
    expect(await codeOf(read({}))).toBe("Unauthorized");
    expect(await codeOf(read({ authorize: ["https://elsewhere/"] }))).toBe("Unauthorized");
    expect((await read({ authorize: [join(FILE, "..")] })).shape).toEqual([4, 20, 30]);
    const repository = await Repository.open(address);
    const session = await repository.readonlySession();
    expect(await codeOf(get(await session.array("sst")))).toBe("Unauthorized");
  });

  it("in a Zarr store that holds references do not read this machine's files unless they are allowed", async () => {
    const storage = new StorageRouter();
    await index(FILE, "memory://strangers/made.zarr", { storage, virtual: true });
    for await (const { address } of storage.list("memory://strangers/made.zarr/")) {
      const { parts } = await storage.read(address, [{ offset: 0 }]);
      attacker.put(address.replace("memory://strangers", ""), parts[0] ?? new Uint8Array(0));
    }
    const read = async (options: Parameters<typeof open>[1]) =>
      get(await (await open(`${attacker.url}/made.zarr`, options)).array("sst"));
    expect(await codeOf(read({}))).toBe("Unauthorized");
    expect(await codeOf(read({ authorize: ["https://elsewhere/"] }))).toBe("Unauthorized");
    expect((await read({ authorize: [join(FILE, "..")] })).shape).toEqual([4, 20, 30]);
  });

  it("that changed since they were indexed are an error that names them", async () => {
    const bytes = new Uint8Array(await readFile(FILE));
    const source = victim.put("/sst.nc", bytes);
    const storage = new StorageRouter();
    await index(source, "memory://strangers/changed.icechunk", { storage });
    const read = async () =>
      get(await (await open("memory://strangers/changed.icechunk", { storage })).array("sst"));
    expect((await read()).shape).toEqual([4, 20, 30]);
    victim.put("/sst.nc", bytes);
    await expect(read()).rejects.toMatchObject({ code: "SourceChanged", source });
  });

  it("that change while they are indexed are an error, then or when they are read", async () => {
    const bytes = new Uint8Array(await readFile(FILE));
    const source = victim.put("/changing.nc", bytes);
    let asked = 0;
    victim.behaviour = (_, __, serve) => {
      asked += 1;
      if (asked > 1) victim.put("/changing.nc", bytes);
      serve();
    };
    const storage = new StorageRouter();
    const target = "memory://strangers/changing.icechunk";
    const code = await codeOf(
      index(source, target, { storage }).then(async () =>
        get(await (await open(target, { storage })).array("sst")),
      ),
    );
    expect(code).toBe("SourceChanged");
  });

  it("are not asked for with credentials that are somebody else's", async () => {
    const address = references(`${victim.url}/public/data`);
    const http = { bearerTokens: { [attacker.host]: "5ecre7" } };
    expect(await readArray(address, { http })).toEqual(values);
    expect(attacker.headers[0]?.authorization).toBe("Bearer 5ecre7");
    expect(victim.headers.map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});

describe("credentials", () => {
  it("are in no manifest and no commit", async () => {
    const server = new ObjectServer();
    await server.start();
    const source = server.put("/sst.nc", new Uint8Array(await readFile(FILE)));
    const storage = new StorageRouter({
      http: { headers: { [server.host]: { authorization: "Bearer 5ecre7" } } },
    });
    const target = "memory://credentials/a.icechunk";
    await index(source, target, { storage });
    expect(server.headers[0]?.authorization).toBe("Bearer 5ecre7");
    let written = 0;
    for await (const { address } of storage.list(`${target}/`)) {
      const { parts } = await storage.read(address, [{ offset: 0 }]);
      expect(new TextDecoder("latin1").decode(parts[0])).not.toContain("5ecre7");
      written += 1;
    }
    expect(written).toBeGreaterThan(2);
    // Signed addresses would stand in references: they are refused before anything is read.
    for (const address of [`${source}?X-Amz-Signature=5ecre7`, `http://user:5ecre7@${server.host}/sst.nc`]) {
      const error: unknown = await index(address, target, { storage }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "InvalidArgument" });
      expect(JSON.stringify(error) + String(error)).not.toContain("5ecre7");
    }
    await server.stop();
  });
});

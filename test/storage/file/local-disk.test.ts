import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pathToAddress } from "../../../src/storage/address.ts";
import { FileStorage } from "../../../src/storage/file/file-storage.ts";
import { codeOf } from "../conformance.ts";
import { pattern } from "../http-server.ts";

const run = promisify(execFile);

describe("on a local disk", () => {
  let folder = "";
  const storage = new FileStorage();
  const at = (name: string) => pathToAddress(join(folder, name));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moraine-disk-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  afterAll(() => storage.close());

  it("leaves nothing beside the object, whether a write succeeds or not", async () => {
    const version = await storage.write(at("a"), pattern(5));
    await storage.write(at("a"), pattern(5), { precondition: version });
    await codeOf(storage.write(at("a"), pattern(5), { precondition: "absent" }));
    await codeOf(storage.write(at("a"), pattern(5), { precondition: version }));
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("never shows a reader half a file", async () => {
    const states = [pattern(300_000, 1), pattern(300_000, 2)];
    await storage.write(at("a"), states[0] ?? pattern(1));
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 30; i++) await storage.write(at("a"), states[i % 2] ?? pattern(1));
      writing = false;
    })();
    let reads = 0;
    const reader = new FileStorage();
    while (writing) {
      const bytes = (await reader.read(at("a"), [{ offset: 0 }])).parts[0] ?? pattern(1);
      expect(states.some((state) => Buffer.compare(state, bytes) === 0)).toBe(true);
      reads += 1;
    }
    reader.close();
    await writer;
    expect(reads).toBeGreaterThan(0);
  });

  it("reads each file's own bytes while files are replaced under its readers", async () => {
    const names = ["a", "b", "c"];
    const put = (name: string, i: number) =>
      storage.write(at(name), pattern(2000, names.indexOf(name) * 1000 + i));
    for (const name of names) await put(name, 0);
    let replacing = true;
    const states = names.map((_, n) => Array.from({ length: 40 }, (_, i) => pattern(2000, n * 1000 + i)));
    const readers = names.flatMap((name, n) =>
      Array.from({ length: 4 }, async () => {
        while (replacing) {
          const bytes = (await storage.read(at(name), [{ offset: 0 }])).parts[0] ?? new Uint8Array(0);
          expect(states[n]?.some((state) => Buffer.compare(state, bytes) === 0)).toBe(true);
          // Writers are waited for in turns of the loop that readers would not let come.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
    );
    const writers = names.map(async (name) => {
      for (let i = 0; i < 40; i++) await put(name, i);
    });
    await Promise.all(writers);
    replacing = false;
    await Promise.all(readers);
  });

  it("takes long names, and says when one is too long", async () => {
    const long = "n".repeat(255);
    await storage.write(at(long), pattern(5));
    await storage.write(at(long), pattern(6), { precondition: await storage.head(at(long)) });
    expect((await storage.read(at(long), [{ offset: 0 }])).parts[0]).toEqual(pattern(6));
    expect(await codeOf(storage.write(at("n".repeat(256)), pattern(5)))).toBe("InvalidArgument");
    expect(await codeOf(storage.head(at("n".repeat(256))))).toBe("InvalidArgument");
    const deep = `${"d".repeat(200)}/`.repeat(12);
    await storage.write(at(`${deep}a`), pattern(5));
    expect((await storage.head(at(`${deep}a`))).size).toBe(5);
  });

  it("takes names that mean something elsewhere", async () => {
    const odd = [
      "a#b",
      "a?b",
      "a%20b",
      "%",
      " a ",
      "a\nb",
      "a\\b",
      "é",
      "-rf",
      ".hidden",
      "~",
      "*",
      "a:b",
      "CON",
    ];
    for (const [i, name] of odd.entries()) await storage.write(at(name), pattern(i));
    expect((await readdir(folder)).sort()).toEqual([...odd].sort());
    const found = new Map<string, number | undefined>();
    for await (const { address, size } of storage.list(pathToAddress(`${folder}/`))) found.set(address, size);
    expect(found).toEqual(new Map([...odd].sort().map((name) => [at(name), odd.indexOf(name)])));
  });

  it("says when the folder may not be written or read", async (test) => {
    await mkdir(join(folder, "closed"));
    await writeFile(join(folder, "closed/a"), "old");
    await chmod(join(folder, "closed"), 0o555);
    await chmod(join(folder, "closed/a"), 0o000);
    // Root may do everything.
    if (process.getuid?.() === 0) {
      await chmod(join(folder, "closed"), 0o755);
      return test.skip();
    }
    expect(await codeOf(storage.write(at("closed/b"), pattern(5)))).toBe("AccessDenied");
    expect(await codeOf(storage.read(at("closed/a"), [{ offset: 0 }]))).toBe("AccessDenied");
    await chmod(join(folder, "closed"), 0o755);
  });

  it("says that a folder or a file in the way is no object", async () => {
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "file"), "x");
    expect(await codeOf(storage.read(at("sub"), [{ offset: 0 }]))).toBe("NotFound");
    expect(await codeOf(storage.head(at("sub")))).toBe("NotFound");
    expect(await codeOf(storage.read(at("file/below"), [{ offset: 0 }]))).toBe("NotFound");
    expect(await codeOf(storage.write(at("sub"), pattern(5)))).not.toBeUndefined();
    expect(await readdir(folder)).toEqual(["file", "sub"]);
  });

  it("reads through links, and does not list those that lead nowhere", async () => {
    await storage.write(at("target"), pattern(5));
    await symlink(join(folder, "target"), join(folder, "link"));
    await symlink(join(folder, "nowhere"), join(folder, "dangling"));
    expect((await storage.read(at("link"), [{ offset: 0 }])).parts[0]).toEqual(pattern(5));
    const found: string[] = [];
    for await (const { address } of storage.list(pathToAddress(`${folder}/`))) found.push(address);
    expect(found).toEqual([at("link"), at("target")]);
  });

  it("finds that a file was replaced or rewritten in place between two reads", async () => {
    await storage.write(at("a"), pattern(100));
    const { version } = await storage.read(at("a"), [{ offset: 0, length: 10 }]);
    await writeFile(join(folder, "a"), pattern(100, 2));
    expect(await codeOf(storage.read(at("a"), [{ offset: 0, length: 10 }], { version }))).toBe(
      "SourceChanged",
    );
  });

  it("takes the locks of processes whose number another one has now", async () => {
    await storage.write(at("a"), pattern(5));
    const version = await storage.head(at("a"));
    const lock = join(folder, ".a.lock.1");
    const maker = { pid: process.pid, host: hostname(), started: "1", token: "t" };
    // As one that was killed in a container leaves it to one of the same number in the next; the other is of a kernel
    // that does not tell when a process was started.
    for (const text of [JSON.stringify(maker), JSON.stringify({ ...maker, started: undefined })]) {
      await writeFile(lock, text);
      await utimes(lock, new Date(0), new Date(0));
      await storage.write(at("a"), pattern(5), { precondition: await storage.head(at("a")) });
    }
    expect(await codeOf(storage.write(at("a"), pattern(5), { precondition: version }))).toBe(
      "PreconditionFailed",
    );
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("removes what killed writers left, once it is old, and lists none of it", async () => {
    await storage.write(at("sub/a"), pattern(5));
    const names = [".moraine-tmp-1-old", ".moraine-tmp-1-new", "sub/.moraine-tmp-2-old", "other-old"];
    for (const name of names) {
      await writeFile(join(folder, name), "x");
      if (name.endsWith("old")) await utimes(join(folder, name), new Date(0), new Date(0));
    }
    const listed: string[] = [];
    for await (const { address } of storage.list(pathToAddress(`${folder}/`))) listed.push(address);
    expect(listed).toEqual([at("other-old"), at("sub/a")]);
    // Where a lock is taken its folder is looked through anyway.
    await storage.write(at("sub/a"), pattern(6), { precondition: await storage.head(at("sub/a")) });
    expect(await readdir(join(folder, "sub"))).toEqual(["a"]);
    await storage.removeUnfinished(pathToAddress(`${folder}/`), new Date());
    expect(await readdir(folder)).toEqual([".moraine-tmp-1-new", "other-old", "sub"]);
  });

  it("loses no write of several processes that swap one file", async () => {
    await storage.write(at("counter"), new TextEncoder().encode("0"));
    const script = `
      import { FileStorage } from ${JSON.stringify(new URL("../../../src/storage/file/file-storage.ts", import.meta.url).href)};
      const storage = new FileStorage();
      const address = process.argv[1];
      for (let done = 0; done < 15; ) {
        const { parts, version } = await storage.read(address, [{ offset: 0 }]);
        const next = Number(new TextDecoder().decode(parts[0])) + 1;
        try {
          await storage.write(address, new TextEncoder().encode(String(next)), { precondition: version });
          done += 1;
        } catch (error) { if (error.code !== "PreconditionFailed") throw error; }
      }
      storage.close();`;
    const loader = ["--experimental-strip-types", "--no-warnings"];
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
    if (major < 22 || (major === 22 && minor < 6)) {
      // Node 20 reads no TypeScript: the built library stands in.
      const built = new URL("../../../dist/storage/file/file-storage.js", import.meta.url);
      loader.length = 0;
      const source = script.replace(
        /import \{ FileStorage \} from .*;/,
        `import { FileStorage } from ${JSON.stringify(built.href)};`,
      );
      await Promise.all(
        [1, 2, 3].map(() => run("node", ["--input-type=module", "-e", source, at("counter")])),
      );
    } else {
      await Promise.all(
        [1, 2, 3].map(() => run("node", [...loader, "--input-type=module", "-e", script, at("counter")])),
      );
    }
    expect(await readFile(join(folder, "counter"), "utf8")).toBe("45");
    expect(await readdir(folder)).toEqual(["counter"]);
  });
});

describe("on a full disk", () => {
  let mount = "";
  let mounted = false;
  beforeAll(async () => {
    mount = await mkdtemp(join(tmpdir(), "moraine-full-"));
    mounted = await run("mount", ["-t", "tmpfs", "-o", "size=256k", "none", mount]).then(
      () => true,
      () => false,
    );
  });
  afterAll(async () => {
    if (mounted) await run("umount", [mount]);
    await rm(mount, { recursive: true, force: true });
  });

  it("says so and keeps the old state", async (test) => {
    // Mounting needs rights that not everybody has.
    if (!mounted) return test.skip();
    const storage = new FileStorage();
    const address = pathToAddress(join(mount, "a"));
    const version = await storage.write(address, pattern(1000));
    for (const precondition of [undefined, version]) {
      const write = storage.write(address, pattern(500_000), { precondition });
      await expect(write).rejects.toMatchObject({ code: "StorageFailed", message: "the disk is full" });
      expect((await storage.read(address, [{ offset: 0 }], { version })).parts[0]).toEqual(pattern(1000));
      expect(await readdir(mount)).toEqual(["a"]);
    }
    const fresh = storage.write(pathToAddress(join(mount, "b")), pattern(500_000), {
      precondition: "absent",
    });
    expect(await codeOf(fresh)).toBe("StorageFailed");
    expect(await readdir(mount)).toEqual(["a"]);
    storage.close();
  });
});

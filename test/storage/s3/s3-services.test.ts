import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { StorageEvent } from "../../../src/storage/events.ts";
import type { S3Options } from "../../../src/storage/s3/s3-options.ts";
import { S3Storage } from "../../../src/storage/s3/s3-storage.ts";
import { codeOf } from "../conformance.ts";
import { pattern } from "../http-server.ts";
import { failure, S3Server } from "../s3-server.ts";

const KEY = { accessKeyId: "AKIATEST", secretAccessKey: "5ecre7" };

describe("S3 and services like it", () => {
  const server = new S3Server();
  beforeAll(() => server.start());
  beforeEach(() => server.reset());
  afterEach(() => {
    vi.unstubAllEnvs();
    server.objects.clear();
  });
  afterAll(() => server.stop());

  const open = (options: S3Options = {}, events: StorageEvent[] = []) =>
    new S3Storage(
      { endpoint: server.url, region: "us-east-1", credentials: KEY, retries: 3, ...options },
      (event) => events.push(event),
    );
  const read = async (storage: S3Storage, address = "s3://bucket/a") =>
    (await storage.read(address, [{ offset: 0 }])).parts[0];

  describe("who asks", () => {
    beforeEach(() => {
      server.store("bucket/a", pattern(10));
    });

    it("signs with the key that is given, never showing the secret", async () => {
      expect(await read(open())).toEqual(pattern(10));
      expect(server.headers[0]?.authorization).toContain("Credential=AKIATEST/");
      expect(JSON.stringify(server.headers)).not.toContain("5ecre7");
      server.behaviour = (_, response) => {
        failure(response, 403, "SignatureDoesNotMatch");
        return true;
      };
      const error: unknown = await read(open()).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "AccessDenied", source: "s3://bucket/a" });
      expect(JSON.stringify(error) + String(error)).not.toMatch(/5ecre7|AKIATEST/);
    });

    it("does not sign when it is anonymous, by option or environment", async () => {
      expect(await read(new S3Storage({ endpoint: server.url, region: "x", anonymous: true }))).toEqual(
        pattern(10),
      );
      vi.stubEnv("AWS_SKIP_SIGNATURE", "true");
      vi.stubEnv("AWS_ENDPOINT_URL", server.url);
      vi.stubEnv("AWS_REGION", "eu-north-1");
      expect(await read(new S3Storage())).toEqual(pattern(10));
      expect(server.headers.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    });

    it("takes keys, region and endpoint from the environment", async () => {
      vi.stubEnv("AWS_ENDPOINT_URL_S3", server.url);
      vi.stubEnv("AWS_REGION", "eu-north-1");
      vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENV");
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", "env");
      expect(await read(new S3Storage())).toEqual(pattern(10));
      expect(server.headers[0]?.authorization).toMatch(/Credential=AKIAENV\/\d+\/eu-north-1\/s3/);
      expect(server.log[0]).toBe("GET /bucket/a");
    });

    it("takes keys and region of a profile", async () => {
      const folder = await mkdtemp(join(tmpdir(), "moraine-aws-"));
      await writeFile(join(folder, "config"), "[profile other]\nregion = ap-south-1\n");
      await writeFile(
        join(folder, "credentials"),
        "[other]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = p\n",
      );
      vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
      vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
      vi.stubEnv("AWS_REGION", undefined);
      expect(await read(new S3Storage({ endpoint: server.url, profile: "other" }))).toEqual(pattern(10));
      expect(server.headers[0]?.authorization).toMatch(/Credential=AKIAPROFILE\/\d+\/ap-south-1\/s3/);
      await rm(folder, { recursive: true });
    });

    it("says what to do where no key is found", async () => {
      vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
      vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
      vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
        vi.stubEnv(name, undefined);
      await expect(read(new S3Storage({ endpoint: server.url, region: "x" }))).rejects.toMatchObject({
        code: "AccessDenied",
        message: expect.stringContaining("AWS_SKIP_SIGNATURE"),
      });
    });

    it("asks for another key when the service says that it has expired", async () => {
      let given = 0;
      const credentials = async () => ({
        accessKeyId: `AKIA${given++}`,
        secretAccessKey: "s",
        sessionToken: "t",
      });
      const storage = open({ credentials });
      await read(storage);
      server.behaviour = (request, response) => {
        if (!request.headers.authorization?.includes("AKIA0")) return false;
        failure(response, 400, "ExpiredToken");
        return true;
      };
      expect(await read(storage)).toEqual(pattern(10));
      expect(given).toBe(2);
    });

    it("asks for another key when the time of the first is over", async () => {
      let given = 0;
      const credentials = async () => ({
        accessKeyId: `AKIA${given++}`,
        secretAccessKey: "s",
        expiration: new Date(Date.now() + 1000),
      });
      const storage = open({ credentials });
      await read(storage);
      await read(storage);
      expect(given).toBeGreaterThan(1);
    });

    it("says that the reader pays", async () => {
      await read(open({ requesterPays: true }));
      await open({ requesterPays: true }).head("s3://bucket/a");
      expect(server.headers.map((headers) => headers["x-amz-request-payer"])).toEqual([
        "requester",
        "requester",
      ]);
    });
  });

  describe("where a bucket lies", () => {
    it("learns the region from the answer, once for each bucket", async () => {
      server.store("bucket/a", pattern(10));
      server.behaviour = (request, response) => {
        if (request.headers.authorization?.includes("/eu-west-3/")) return false;
        response.writeHead(301, { "x-amz-bucket-region": "eu-west-3" });
        response.end("<Error><Code>PermanentRedirect</Code></Error>");
        return true;
      };
      const storage = open();
      for (let i = 0; i < 3; i++) expect(await read(storage)).toEqual(pattern(10));
      expect(server.log).toHaveLength(4);
    });

    it("learns the region when the signature was for another one", async () => {
      server.store("bucket/a", pattern(10));
      server.behaviour = (request, response) => {
        if (request.headers.authorization?.includes("/eu-west-3/")) return false;
        response.writeHead(400, { "content-type": "application/xml" });
        response.end(
          "<Error><Code>AuthorizationHeaderMalformed</Code><Message>no</Message><Region>eu-west-3</Region></Error>",
        );
        return true;
      };
      expect(await read(open())).toEqual(pattern(10));
    });

    it("tells a bucket that is missing from an object that is", async () => {
      server.behaviour = (_, response) => {
        failure(response, 404, "NoSuchBucket");
        return true;
      };
      await expect(read(open())).rejects.toMatchObject({ code: "NotFound", message: /bucket/ });
    });
  });

  describe("faults", () => {
    it("tries again when the service is busy, and no other time", async () => {
      server.store("bucket/a", pattern(10));
      for (const [status, code] of [
        [503, "SlowDown"],
        [500, "InternalError"],
        [400, "RequestTimeout"],
      ] as const) {
        let left = 2;
        server.behaviour = (_, response) => {
          left -= 1;
          if (left < 0) return false;
          failure(response, status, code);
          return true;
        };
        expect(await read(open())).toEqual(pattern(10));
      }
      server.reset();
      server.behaviour = (_, response) => {
        failure(response, 403, "AccessDenied");
        return true;
      };
      expect(await codeOf(read(open()))).toBe("AccessDenied");
      expect(server.log).toHaveLength(1);
    });

    it("never gives a body that was cut short", async () => {
      server.store("bucket/a", pattern(1000));
      let left = 1;
      server.behaviour = (_, response) => {
        left -= 1;
        if (left < 0) return false;
        response.writeHead(206, { "content-range": "bytes 0-999/1000", "content-length": 1000 });
        response.write(pattern(1000).subarray(0, 500), () => response.destroy());
        return true;
      };
      expect(await read(open())).toEqual(pattern(1000));
    });

    it("gives up a request that stalls, and tries again", async () => {
      server.store("bucket/a", pattern(10));
      let left = 1;
      server.behaviour = () => {
        left -= 1;
        return left >= 0;
      };
      expect(await read(open({ stallTimeout: 200 }))).toEqual(pattern(10));
    });

    it("gives up soon where nobody listens, unless somebody has answered there before", async () => {
      const gone = new S3Server();
      await gone.start();
      gone.store("bucket/a", pattern(10));
      const [known, unknown] = [open({ endpoint: gone.url }), open({ endpoint: gone.url })];
      expect(await read(known)).toEqual(pattern(10));
      await gone.stop();
      for (const [asking, attempts] of [
        [unknown, 3],
        [known, 4],
      ] as const) {
        await expect(read(asking)).rejects.toMatchObject({
          code: "StorageFailed",
          message: expect.stringContaining(`(${attempts} attempts)`),
        });
      }
    });
  });

  describe("reads", () => {
    it("reads the end of an object in one request", async () => {
      server.store("bucket/a", pattern(1000));
      const { parts, version } = await open().read("s3://bucket/a", [{ offset: -10 }]);
      expect(parts[0]).toEqual(pattern(1000).slice(-10));
      expect(version.size).toBe(1000);
      expect(server.log).toHaveLength(1);
    });

    it("reads a large object whole, in pieces side by side, of one version", async () => {
      const bytes = pattern(20_000_000);
      server.store("bucket/large", bytes);
      const found = await read(open(), "s3://bucket/large");
      expect(Buffer.compare(found ?? new Uint8Array(0), bytes)).toBe(0);
      expect(server.log.length).toBeGreaterThan(2);
      let asked = 0;
      server.behaviour = () => {
        asked += 1;
        if (asked === 2) server.store("bucket/large", pattern(20_000_000, 2));
        return false;
      };
      expect(await codeOf(read(open(), "s3://bucket/large"))).toBe("SourceChanged");
    });

    it("counts requests and bytes", async () => {
      server.store("bucket/a", pattern(1000));
      const events: StorageEvent[] = [];
      const storage = open({}, events);
      await read(storage);
      await storage.write("s3://bucket/b", pattern(50));
      expect(events).toEqual([
        { type: "request", address: "s3://bucket/a", bytes: 1000 },
        { type: "request", address: "s3://bucket/b", bytes: 50 },
      ]);
    });
  });

  describe("writes", () => {
    it("compares ETags with and without quotes, whatever the service does", async () => {
      for (const [answers, conditions] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        server.unquotedAnswers = answers;
        server.unquotedConditions = conditions;
        const storage = open();
        const first = await storage.write("s3://bucket/a", pattern(5, 1));
        const second = await storage.write("s3://bucket/a", pattern(5, 2), { precondition: first });
        const late = storage.write("s3://bucket/a", pattern(5, 3), { precondition: first });
        expect(await codeOf(late)).toBe("PreconditionFailed");
        await storage.write("s3://bucket/a", pattern(5, 4), { precondition: second });
        expect(await read(storage)).toEqual(pattern(5, 4));
      }
    });

    it("takes 409 for somebody else's write", async () => {
      server.behaviour = (_, response) => {
        failure(response, 409, "ConditionalRequestConflict");
        return true;
      };
      const created = open().write("s3://bucket/a", pattern(5), { precondition: "absent" });
      expect(await codeOf(created)).toBe("PreconditionFailed");
    });

    it("knows its own write again when the answer was lost", async () => {
      let left = 1;
      server.behaviour = (request, response) => {
        if (request.method !== "PUT" || left === 0) return false;
        left = 0;
        // Stored, but the answer never arrives.
        server.store("bucket/a", pattern(5), { writeid: String(request.headers["x-amz-meta-writeid"]) });
        response.destroy();
        return true;
      };
      const version = await open().write("s3://bucket/a", pattern(5), { precondition: "absent" });
      expect(version).toMatchObject({ size: 5 });
      left = 1;
      server.behaviour = (request, response) => {
        if (request.method !== "PUT" || left === 0) return false;
        left = 0;
        server.store("bucket/b", pattern(6), { writeid: "somebody else's" });
        response.destroy();
        return true;
      };
      const other = open().write("s3://bucket/b", pattern(5), { precondition: "absent" });
      expect(await codeOf(other)).toBe("PreconditionFailed");
    });

    it("uploads large objects in parts, and leaves none behind when it fails", async () => {
      const bytes = pattern(70 * 1024 * 1024);
      await open().write("s3://bucket/large", bytes);
      const stored = server.objects.get("bucket/large")?.bytes ?? new Uint8Array(0);
      expect(Buffer.compare(stored, bytes)).toBe(0);
      expect(server.log.filter((line) => line.startsWith("PUT"))).toHaveLength(5);
      server.behaviour = (request, response) => {
        if (!request.url?.includes("partNumber=3")) return false;
        failure(response, 403, "AccessDenied");
        return true;
      };
      expect(await codeOf(open().write("s3://bucket/other", bytes))).toBe("AccessDenied");
      expect(server.uploadsUnderWay).toBe(0);
      expect(server.objects.has("bucket/other")).toBe(false);
    });
  });

  describe("deletes and lists", () => {
    it("deletes one by one where the service has no batches", async () => {
      server.batchDelete = false;
      for (let i = 0; i < 20; i++) server.store(`bucket/d/${i}`, pattern(1));
      await open().delete(Array.from({ length: 20 }, (_, i) => `s3://bucket/d/${i}`));
      expect(server.objects.size).toBe(0);
    });

    it("says which objects could not be deleted", async () => {
      server.behaviour = (request, response) => {
        if (request.method !== "POST") return false;
        response.writeHead(200, { "content-type": "application/xml" });
        response.end(
          "<DeleteResult><Error><Key>d/1</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
        );
        return true;
      };
      const done = open().delete(["s3://bucket/d/0", "s3://bucket/d/1"]);
      await expect(done).rejects.toMatchObject({ code: "AccessDenied", source: "s3://bucket/d/1" });
    });

    it("deletes only the state that is expected", async () => {
      const storage = open();
      const first = await storage.write("s3://bucket/a", pattern(5, 1));
      const second = await storage.write("s3://bucket/a", pattern(5, 2));
      expect(await codeOf(storage.delete(["s3://bucket/a"], { precondition: first }))).toBe(
        "PreconditionFailed",
      );
      await storage.delete(["s3://bucket/a"], { precondition: second });
      expect(server.objects.size).toBe(0);
      await storage.delete(["s3://bucket/a"], { precondition: second });
    });

    it("does not list for ever where the service repeats a page", async () => {
      server.behaviour = (_, response) => {
        response.writeHead(200, { "content-type": "application/xml" });
        response.end(
          "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>",
        );
        return true;
      };
      const listed = (async () => {
        for await (const { address } of open().list("s3://bucket/l/")) expect(address).toBeUndefined();
      })();
      expect(await codeOf(listed)).toBe("StorageFailed");
    });

    it("lists pages after pages, and folders", async () => {
      for (let i = 0; i < 30; i++) server.store(`bucket/l/${i % 3}/${i}`, pattern(1));
      server.store("bucket/l/", pattern(0));
      const found: string[] = [];
      for await (const { address } of open().list("s3://bucket/l/")) found.push(address);
      expect(found).toHaveLength(31);
      const names: string[] = [];
      for await (const name of open().names("s3://bucket/l/")) names.push(name);
      expect(names.sort()).toEqual(["0/", "1/", "2/"]);
    });
  });
});

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { StorageEvent } from "../../../src/storage/events.ts";
import { HttpStorage } from "../../../src/storage/http/http-storage.ts";
import { fetchTransport, useTransport } from "../../../src/storage/http/transport.ts";
import { nodeTransport } from "../../../src/storage/node/node-transport.ts";
import { codeOf } from "../conformance.ts";
import { ObjectServer, pattern } from "../http-server.ts";

const BYTES = pattern(100_000);
const QUICK = { retries: 3, stallTimeout: 200 };
const part = (offset: number, length: number) => BYTES.slice(offset, offset + length);

describe.each([
  ["fetch", fetchTransport],
  ["Node's own", nodeTransport],
] as const)("over HTTP, through %s", (_, send) => {
  beforeAll(() => useTransport(send));
  const server = new ObjectServer();
  const events: StorageEvent[] = [];
  const storage = new HttpStorage(QUICK, (event) => events.push(event));
  let address = "";
  beforeAll(async () => {
    await server.start();
    address = server.put("/object", BYTES);
  });
  beforeEach(() => {
    server.reset();
    events.length = 0;
  });
  afterAll(() => server.stop());

  const read = async (offset: number, length: number, from = storage) =>
    (await from.read(address, [{ offset, length }])).parts[0];
  /** Behaves badly for the first requests. */
  const faulty = (times: number, behaviour: NonNullable<ObjectServer["behaviour"]>) => {
    let left = times;
    server.behaviour = (request, response, serve) => {
      left -= 1;
      if (left >= 0) behaviour(request, response, serve);
      else serve();
    };
  };

  it("reads near ranges in one request and far ones side by side", async () => {
    const near = [0, 1000, 50_000].map((offset) => ({ offset, length: 100 }));
    const { parts } = await storage.read(address, near);
    expect(parts).toEqual(near.map(({ offset, length }) => part(offset, length)));
    expect(server.log).toEqual(["GET /object bytes=0-50099"]);
    const large = server.put("/large", pattern(3_000_000, 5));
    server.reset();
    const far = [0, 1_000_000, 2_000_000].map((offset) => ({ offset, length: 10 }));
    const result = await storage.read(large, far);
    expect(result.parts).toEqual(far.map(({ offset }) => pattern(3_000_000, 5).slice(offset, offset + 10)));
    expect(server.log).toHaveLength(3);
  });

  it("splits a large range and puts it together again", async () => {
    const bytes = pattern(20_000_000, 7);
    const large = server.put("/huge", bytes);
    const { parts } = await storage.read(large, [{ offset: 5, length: 19_999_990 }]);
    expect(Buffer.compare(parts[0] ?? new Uint8Array(0), bytes.subarray(5, 19_999_995))).toBe(0);
    expect(server.log.length).toBe(3);
    server.objects.delete("/huge");
  });

  describe("faults that pass", () => {
    it("tries again after 500, 502, 503, 504, 408 and 429", async () => {
      for (const status of [500, 502, 503, 504, 408, 429]) {
        faulty(2, (_, response) => void response.writeHead(status).end());
        expect(await read(10, 10)).toEqual(part(10, 10));
      }
      expect(events.filter(({ type }) => type === "retry")).toHaveLength(12);
    });

    it("waits as long as Retry-After says", async () => {
      faulty(1, (_, response) => void response.writeHead(429, { "retry-after": "1" }).end());
      const started = performance.now();
      expect(await read(10, 10)).toEqual(part(10, 10));
      expect(performance.now() - started).toBeGreaterThan(900);
    });

    it("tries again when the connection breaks before or within the body", async () => {
      faulty(2, (request) => void request.socket.destroy());
      expect(await read(10, 1000)).toEqual(part(10, 1000));
      faulty(2, (_, response) => {
        response.writeHead(206, { "content-range": "bytes 10-1009/100000", "content-length": 1000 });
        response.write(part(10, 500), () => response.destroy());
      });
      expect(await read(10, 1000)).toEqual(part(10, 1000));
    });

    it("gives up a request that stalls, and tries again", async () => {
      faulty(1, () => {});
      expect(await read(10, 10)).toEqual(part(10, 10));
      faulty(1, (_, response) => {
        response.writeHead(206, { "content-range": "bytes 10-1009/100000", "content-length": 1000 });
        response.write(part(10, 500));
      });
      expect(await read(10, 1000)).toEqual(part(10, 1000));
    });

    it("never gives a body that is shorter or longer than Content-Range says", async () => {
      for (const length of [999, 1001]) {
        faulty(1, (_, response) => {
          response.writeHead(206, { "content-range": "bytes 10-1009/100000" });
          response.end(part(10, length));
        });
        expect(await read(10, 1000)).toEqual(part(10, 1000));
      }
    });

    it("never gives the bytes of another range", async () => {
      faulty(1, (_, response) => {
        response.writeHead(206, { "content-range": "bytes 11-20/100000", "content-length": 10 });
        response.end(part(11, 10));
      });
      expect(await read(10, 10)).toEqual(part(10, 10));
    });

    it("names the address, the attempts and the last cause when it gives up", async () => {
      server.behaviour = (_, response) => void response.writeHead(503).end();
      await expect(storage.read(address, [{ offset: 0, length: 1 }])).rejects.toMatchObject({
        code: "StorageFailed",
        source: address,
        message: "the server answered 503 (4 attempts)",
      });
    });

    it("asks for less at a time when it is told to slow down", async () => {
      let tooMany = 0;
      server.behaviour = (_, response, serve) => {
        if (server.underWay > 4) {
          tooMany += 1;
          response.writeHead(429).end();
        } else setTimeout(serve, 5);
      };
      const many = new HttpStorage({ retries: 20, limits: { requests: 32 } });
      const results = await Promise.all(Array.from({ length: 100 }, (_, i) => read(i, 10, many)));
      expect(results).toEqual(results.map((_, i) => part(i, 10)));
      expect(tooMany).toBeGreaterThan(0);
      // Without a bound that adapts, most of the 32 at a time would be refused again and again.
      server.mostUnderWay = 0;
      await Promise.all(Array.from({ length: 20 }, (_, i) => read(i, 10, many)));
      expect(server.mostUnderWay).toBeLessThan(16);
    });
  });

  describe("faults that stay", () => {
    it("fails at once, with the code that says why", async () => {
      for (const [status, code] of [
        [401, "AccessDenied"],
        [403, "AccessDenied"],
        [404, "NotFound"],
        [410, "NotFound"],
        [400, "StorageFailed"],
        [501, "StorageFailed"],
      ] as const) {
        server.reset();
        server.behaviour = (_, response) => void response.writeHead(status).end();
        expect(await codeOf(read(0, 10))).toBe(code);
        expect(server.log).toHaveLength(1);
      }
    });

    it("says that a signature may have run out, without repeating it", async () => {
      server.behaviour = (_, response) => void response.writeHead(403).end();
      const error: unknown = await storage
        .read(`${address}?X-Amz-Credential=AKIA&X-Amz-Signature=5ecre7`, [{ offset: 0, length: 1 }])
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "AccessDenied" });
      expect(JSON.stringify(error)).toContain("may have run out");
      expect(JSON.stringify(error)).not.toMatch(/5ecre7|AKIA/);
    });

    it("does not try a name again that nobody knows", async () => {
      const unknown = new HttpStorage(QUICK, (event) => events.push(event));
      const code = await codeOf(unknown.read("http://nowhere.invalid/a", [{ offset: 0, length: 1 }]));
      expect(code).toBe("StorageFailed");
    });

    it("gives up soon where nobody listens, unless somebody has answered there before", async () => {
      const gone = new ObjectServer();
      await gone.start();
      const lost = gone.put("/object", BYTES);
      const known = new HttpStorage({ retries: 3 }, (event) => events.push(event));
      await known.read(lost, [{ offset: 0, length: 1 }]);
      await gone.stop();
      const unknown = new HttpStorage({ retries: 3 }, (event) => events.push(event));
      for (const [asking, attempts] of [
        [unknown, 3],
        [known, 4],
      ] as const) {
        await expect(asking.read(lost, [{ offset: 0, length: 1 }])).rejects.toMatchObject({
          code: "StorageFailed",
          message: expect.stringContaining(`(${attempts} attempts)`),
        });
      }
    });
  });

  describe("servers without ranges", () => {
    it("cuts the range out of the whole", async () => {
      server.behaviour = (request, _, serve) => {
        delete request.headers.range;
        serve();
      };
      expect(await read(70_000, 1000)).toEqual(part(70_000, 1000));
      expect((await storage.head(address)).size).toBe(100_000);
      expect(await codeOf(read(99_999, 2))).toBe("TruncatedFile");
    });

    it("does not fetch a large object for a range of it", async () => {
      server.behaviour = (_, response) => {
        response.writeHead(200, { "content-length": 500_000_000 });
        response.write(new Uint8Array(1000));
      };
      expect(await codeOf(read(400_000_000, 10, new HttpStorage(QUICK)))).toBe("StorageFailed");
      expect(server.log).toHaveLength(1);
    });

    it("asks again where the server has answered ranges before", async () => {
      await read(0, 10);
      faulty(1, (_, response) => {
        response.writeHead(200, { "content-length": 500_000_000 });
        response.write(new Uint8Array(1000));
      });
      expect(await read(90_000, 10)).toEqual(part(90_000, 10));
    });

    it("knows that a whole body was cut short", async () => {
      faulty(1, (_, response) => {
        response.writeHead(200, { "content-length": 100_000 });
        response.write(part(0, 50_000), () => response.destroy());
      });
      expect(await read(70_000, 1000)).toEqual(part(70_000, 1000));
      faulty(1, (_, response) => {
        response.writeHead(200, { "content-length": 100_000 });
        response.write(part(0, 50_000), () => response.destroy());
      });
      expect((await storage.read(address, [{ offset: 0 }])).parts[0]).toEqual(BYTES);
    });
  });

  describe("sizes and lengths", () => {
    it("refuses a Content-Range that makes no sense", async () => {
      server.behaviour = (_, response) =>
        void response
          .writeHead(206, { "content-range": "bytes nonsense", "content-length": 10 })
          .end(part(0, 10));
      expect(await codeOf(read(0, 10))).toBe("StorageFailed");
    });

    it("takes a range without Content-Range, which browsers may hide, if its length is right", async () => {
      const hide: ObjectServer["behaviour"] = (request, response, serve) => {
        const write = response.writeHead.bind(response) as (
          status: number,
          headers: object,
        ) => typeof response;
        Object.assign(response, {
          writeHead: (status: number, headers: object) => write(status, { ...headers, "content-range": [] }),
        });
        if (request.method === "HEAD") serve();
        else server.serve(request, response);
      };
      server.behaviour = hide;
      expect(await read(0, 10)).toEqual(part(0, 10));
      // At the end of the object the length is another: asked with HEAD, the server tells its size.
      const clipped = await storage.read(address, [{ offset: 99_990, length: 50 }], { clip: true });
      expect(clipped.parts[0]).toEqual(part(99_990, 10));
      expect(await codeOf(read(99_990, 50))).toBe("TruncatedFile");
      server.behaviour = (request, response, serve) => {
        if (request.method === "HEAD") serve();
        else response.writeHead(206, { "content-length": 9 }).end(part(0, 9));
      };
      expect(await codeOf(read(0, 10))).toBe("StorageFailed");
    });

    it("does not need the size of the whole", async () => {
      server.behaviour = (_, response) =>
        void response
          .writeHead(206, { "content-range": "bytes 5-14/*", "content-length": 10 })
          .end(part(5, 10));
      expect(await read(5, 10)).toEqual(part(5, 10));
    });

    it("reads bodies in chunks, without a length", async () => {
      server.behaviour = (request, response) => {
        const range = request.headers.range;
        response.writeHead(range ? 206 : 200, range ? { "content-range": "bytes 0-99999/100000" } : {});
        response.write(part(0, 50_000));
        response.end(part(50_000, 50_000));
      };
      expect((await storage.read(address, [{ offset: 0 }])).parts[0]).toEqual(BYTES);
      expect(await read(0, 100_000)).toEqual(BYTES);
    });

    it("asks again for the size where only the end of the connection ends a body", async () => {
      const cut =
        (length: number): ObjectServer["behaviour"] =>
        (request, response, serve) => {
          if (request.headers.range !== undefined) serve();
          else response.socket?.end(`HTTP/1.0 200 OK\r\n\r\n${"x".repeat(length)}`);
        };
      address = server.put("/letters", new TextEncoder().encode("x".repeat(1000)));
      server.behaviour = cut(1000);
      expect((await storage.read(address, [{ offset: 0 }])).parts[0]?.length).toBe(1000);
      server.behaviour = cut(600);
      expect(await codeOf(storage.read(address, [{ offset: 0 }]))).toBe("StorageFailed");
      address = `${server.url}/object`;
    });
  });

  describe("compression", () => {
    it("refuses ranges of compressed bytes", async () => {
      server.behaviour = (_, response) => {
        const packed = gzipSync(BYTES).subarray(0, 10);
        response.writeHead(206, {
          "content-encoding": "gzip",
          "content-range": "bytes 0-9/100000",
          "content-length": packed.length,
        });
        response.end(packed);
      };
      expect(await codeOf(read(0, 10))).toBe("StorageFailed");
    });

    it("takes whole objects that a proxy compressed, though their ETag is another", async () => {
      const version = await storage.head(address);
      server.behaviour = (_, response) =>
        void response.writeHead(200, { "content-encoding": "gzip", etag: '"v1-gzip"' }).end(gzipSync(BYTES));
      const whole = await storage.read(address, [{ offset: 0 }], { version });
      expect(whole.parts[0]).toEqual(BYTES);
      expect(whole.version.etag).toBeUndefined();
    });

    it("asks for no compression", async () => {
      await storage.read(address, [{ offset: 0 }]);
      await read(0, 10);
      expect(server.headers.map((headers) => headers["accept-encoding"])).toEqual(["identity", "identity"]);
    });
  });

  describe("versions", () => {
    it("finds a change between two requests of one read", async () => {
      const changing = server.put("/changing", pattern(3_000_000, 5));
      let asked = 0;
      server.behaviour = (_, __, serve) => {
        asked += 1;
        if (asked === 2) server.put("/changing", pattern(3_000_000, 6));
        serve();
      };
      const far = [0, 1_000_000, 2_000_000].map((offset) => ({ offset, length: 10 }));
      expect(await codeOf(storage.read(changing, far))).toBe("SourceChanged");
    });

    const withHeaders = (headers: Record<string, string>) => {
      server.behaviour = (_, response) =>
        void response.writeHead(206, { "content-range": "bytes 0-9/100000", ...headers }).end(part(0, 10));
    };

    it("compares size and time where the server knows no ETag", async () => {
      withHeaders({ "last-modified": "Tue, 24 Nov 2026 10:00:00 GMT" });
      const { version } = await storage.read(address, [{ offset: 0, length: 10 }]);
      expect(version).toEqual({ size: 100_000, lastModified: Date.UTC(2026, 10, 24, 10) });
      withHeaders({ "last-modified": "Tue, 24 Nov 2026 10:00:01 GMT" });
      expect(await codeOf(storage.read(address, [{ offset: 0, length: 10 }], { version }))).toBe(
        "SourceChanged",
      );
    });

    it("does not trust weak ETags to name bytes", async () => {
      withHeaders({ etag: 'W/"1"', "last-modified": "Tue, 24 Nov 2026 10:00:00 GMT" });
      const { version } = await storage.read(address, [{ offset: 0, length: 10 }]);
      await storage.read(address, [{ offset: 0, length: 10 }], { version });
      withHeaders({ etag: 'W/"1"', "last-modified": "Tue, 24 Nov 2026 10:00:01 GMT" });
      expect(await codeOf(storage.read(address, [{ offset: 0, length: 10 }], { version }))).toBe(
        "SourceChanged",
      );
      withHeaders({ etag: 'W/"2"', "last-modified": "Tue, 24 Nov 2026 10:00:00 GMT" });
      expect(await codeOf(storage.read(address, [{ offset: 0, length: 10 }], { version }))).toBe(
        "SourceChanged",
      );
    });
  });

  it("cancels requests under way", async () => {
    let closed = 0;
    server.behaviour = (_, response) => void response.once("close", () => (closed += 1));
    const controller = new AbortController();
    const done = codeOf(
      new HttpStorage().read(address, [{ offset: 0, length: 1 }], { signal: controller.signal }),
    );
    setTimeout(() => controller.abort(), 50);
    expect(await done).toBe("Aborted");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(1);
  });

  it("sends nothing that makes a browser ask for permission first", async () => {
    await storage.read(address, [{ offset: 0, length: 10 }, { offset: -10 }]);
    await storage.read(address, [{ offset: 0 }]);
    const safe = [
      "accept",
      "accept-encoding",
      "accept-language",
      "connection",
      "host",
      "range",
      "sec-fetch-mode",
      "user-agent",
    ];
    for (const headers of server.headers) {
      expect(Object.keys(headers).filter((name) => !safe.includes(name))).toEqual([]);
      expect(headers.range ?? "bytes=0-0").toMatch(/^bytes=\d+-\d+$/);
    }
  });
});

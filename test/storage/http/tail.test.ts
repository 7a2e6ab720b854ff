import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HttpStorage } from "../../../src/storage/http/http-storage.ts";
import { fetchTransport, useTransport } from "../../../src/storage/http/transport.ts";
import { nodeTransport } from "../../../src/storage/node/node-transport.ts";

const OBJECT = Uint8Array.from({ length: 100 }, (_, at) => at);
const asked: string[] = [];
let server: Server;
let base = "";

/** `/right` answers suffixes, `/ignores` sends everything, `/mistakes` takes `-8` for `0-8`. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const range = request.headers.range ?? "";
    asked.push(range);
    const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
    if (range === "" || (first === "" && request.url === "/ignores")) {
      response.writeHead(200, { "content-length": OBJECT.length }).end(OBJECT);
      return;
    }
    const isSuffix = first === "" && request.url === "/right";
    const start = isSuffix ? Math.max(0, OBJECT.length - Number(last)) : Number(first);
    const end = isSuffix ? OBJECT.length : Math.min(Number(last) + 1, OBJECT.length);
    const body = OBJECT.subarray(start, end);
    response.writeHead(206, {
      "content-length": body.length,
      "content-range": `bytes ${start}-${end - 1}/${OBJECT.length}`,
      etag: '"1"',
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  useTransport(nodeTransport);
});

afterAll(() => {
  useTransport(fetchTransport);
  server.close();
  server.closeAllConnections();
});

async function tail(path: string, length: number) {
  asked.length = 0;
  return await new HttpStorage().read(`${base}${path}`, [{ offset: -length }]);
}

describe("the last bytes of an object over HTTP", () => {
  test("take one request where the server answers suffixes", async () => {
    const { parts, version } = await tail("/right", 8);
    expect(parts[0]).toEqual(OBJECT.slice(-8));
    expect(version).toEqual({ etag: '"1"', size: 100 });
    expect(asked).toEqual(["bytes=-8"]);
  });

  test("of a shorter object are all of it", async () => {
    expect((await tail("/right", 1000)).parts[0]).toEqual(OBJECT);
  });

  test.each(["/ignores", "/mistakes"])(
    "are asked for by offset where the server %s suffixes",
    async (path) => {
      expect((await tail(path, 8)).parts[0]).toEqual(OBJECT.slice(-8));
      expect(asked.at(-1)).toBe("bytes=92-99");
    },
  );
});

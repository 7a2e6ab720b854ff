import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { summaryToJson } from "../../src/dataset/index/summary.ts";
import { get, index, open, slice } from "../../src/node.ts";
import type { StorageEvent } from "../../src/storage/events.ts";
import { StorageRouter } from "../../src/storage/router.ts";
import { ObjectServer } from "../storage/http-server.ts";

const FILE = new URL("../data/demo/sst-2020.nc", import.meta.url);
const server = new ObjectServer();
let sources: string[] = [];
beforeAll(async () => {
  await server.start();
  const bytes = new Uint8Array(await readFile(FILE));
  sources = ["/a.nc", "/b.nc"].map((path) => server.put(path, bytes));
});
beforeEach(() => server.reset());
afterAll(() => server.stop());

it("is told for each source, with retries, and by events", async () => {
  let asked = 0;
  server.behaviour = (request, response, serve) => {
    asked += 1;
    if (asked <= 2 && request.url === "/a.nc") response.writeHead(503).end();
    else serve();
  };
  const events: StorageEvent[] = [];
  const storage = new StorageRouter({ onEvent: (event) => events.push(event) });
  const { statistics, ...summary } = await index(sources, "memory://traffic/a.icechunk", { storage });
  const traffic = (source: string) => statistics.sources.find((item) => item.source === source);
  for (const source of sources) {
    const requests = events.filter((event) => event.type === "request" && event.address === source);
    const retries = events.filter((event) => event.type === "retry" && event.address === source);
    expect(traffic(source)).toMatchObject({ requests: requests.length, retries: retries.length });
    expect(traffic(source)?.bytes).toBeGreaterThan(1000);
  }
  expect(traffic(sources[0] ?? "")?.retries).toBeGreaterThan(0);
  expect(statistics.requests).toBe(server.log.length);
  expect(statistics.retries).toBe(events.filter(({ type }) => type === "retry").length);
  expect(summaryToJson({ statistics, ...summary })).toMatchObject({
    requests: statistics.requests,
    retries: statistics.retries,
    cache_hits: 0,
    traffic: [{ source: sources[0] }, { source: sources[1] }],
  });
});

it("is saved by a cache of chunks, where one is wished", async () => {
  const storage = new StorageRouter();
  const group = await open(sources[0] ?? "", { storage, cacheBytes: 1024 * 1024 });
  const sst = await group.array("sst");
  const first = await get(sst, [0, slice(0, 5), null]);
  const { requests, cacheHits } = storage.statistics;
  const second = await get(sst, [0, slice(5, 10), null]);
  const again = await get(sst, [0, slice(0, 5), null]);
  expect(storage.statistics.requests).toBe(requests);
  expect(storage.statistics.cacheHits).toBeGreaterThan(cacheHits);
  expect(again.data).toEqual(first.data);
  expect(second.data).not.toEqual(first.data);
});

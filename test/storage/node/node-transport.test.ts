import { getEventListeners } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HttpStorage } from "../../../src/storage/http/http-storage.ts";
import { fetchTransport, useTransport } from "../../../src/storage/http/transport.ts";
import { nodeTransport } from "../../../src/storage/node/node-transport.ts";
import { codeOf } from "../conformance.ts";
import { ObjectServer, pattern } from "../http-server.ts";

const server = new ObjectServer();
beforeAll(async () => {
  await server.start();
  useTransport(nodeTransport);
});
afterAll(async () => {
  useTransport(fetchTransport);
  await server.stop();
});

it("gives connections back whatever the answer was, so that they are used again and the process can end", async () => {
  const address = server.put("/a", pattern(1000));
  const storage = new HttpStorage({ retries: 0 });
  const connections = new Set<number | undefined>();
  server.behaviour = (request, response, serve) => {
    connections.add(request.socket.remotePort);
    if (request.url === "/empty") response.writeHead(404, { "content-length": 0 }).end();
    else if (request.url === "/said") response.writeHead(403).end("no entrance");
    else serve();
  };
  for (let i = 0; i < 5; i++) {
    expect(await codeOf(storage.head(`${server.url}/empty`))).toBe("NotFound");
    expect(await codeOf(storage.head(`${server.url}/said`))).toBe("AccessDenied");
    expect((await storage.read(address, [{ offset: 0, length: 5 }])).parts[0]).toEqual(
      pattern(1000).slice(0, 5),
    );
    expect(
      (await storage.read(address, [{ offset: 2000, length: 5 }], { clip: true })).parts[0],
    ).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(connections.size).toBeLessThanOrEqual(3);
});

it("leaves no listener on a signal that lives on", async () => {
  const address = server.put("/a", pattern(1000));
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) {
    await (
      await nodeTransport(address, { method: "HEAD", headers: {}, redirect: "manual", signal })
    ).body?.cancel();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(getEventListeners(signal, "abort").length).toBeLessThanOrEqual(1);
});

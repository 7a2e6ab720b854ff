import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HttpStorage } from "../../../src/storage/http/http-storage.ts";
import { fetchTransport, useTransport } from "../../../src/storage/http/transport.ts";
import { nodeTransport } from "../../../src/storage/node/node-transport.ts";
import { codeOf } from "../conformance.ts";
import { ObjectServer, pattern } from "../http-server.ts";

describe.each([
  ["fetch", fetchTransport],
  ["Node's own", nodeTransport],
] as const)("redirects, through %s", (_, send) => {
  beforeAll(() => useTransport(send));
  const first = new ObjectServer();
  const second = new ObjectServer();
  beforeAll(async () => {
    await Promise.all([first.start(), second.start()]);
    second.put("/target", pattern(1000));
    first.put("/target", pattern(1000));
  });
  beforeEach(() => {
    first.reset();
    second.reset();
  });
  afterAll(() => Promise.all([first.stop(), second.stop()]));

  const range = [{ offset: 10, length: 10 }];
  const leadTo = (location: string, status = 302) => {
    first.behaviour = (request, response, serve) => {
      if (request.url === "/target") serve();
      else response.writeHead(status, { location, "content-length": 0 }).end();
    };
  };

  it("follows within a host and to another one", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      leadTo("/target", status);
      const { parts } = await new HttpStorage().read(`${first.url}/here`, range);
      expect(parts[0]).toEqual(pattern(1000).slice(10, 20));
    }
    leadTo(`${second.url}/target`);
    const { parts } = await new HttpStorage().read(`${first.url}/here`, range);
    expect(parts[0]).toEqual(pattern(1000).slice(10, 20));
    expect(second.log).toEqual(["GET /target bytes=10-19"]);
  });

  it("sends credentials to their own host alone", async () => {
    leadTo(`${second.url}/target`);
    const storage = new HttpStorage({
      bearerTokens: { [first.host]: "for-the-first" },
      headers: { [first.host]: { "x-api-key": "also-for-the-first" } },
    });
    await storage.read(`${first.url}/here`, range);
    expect(first.headers[0]?.authorization).toBe("Bearer for-the-first");
    expect(first.headers[0]?.["x-api-key"]).toBe("also-for-the-first");
    expect(second.headers[0]?.authorization).toBeUndefined();
    expect(second.headers[0]?.["x-api-key"]).toBeUndefined();
    await storage.read(`${second.url}/target`, range);
    expect(second.headers[1]?.authorization).toBeUndefined();
  });

  it("asks for headers anew each time where a function gives them", async () => {
    let token = 0;
    const headers = { [first.host]: async () => ({ authorization: `Bearer ${token++}` }) };
    const storage = new HttpStorage({ headers });
    for (let i = 0; i < 2; i++) await storage.read(`${first.url}/target`, range);
    expect(first.headers.map(({ authorization }) => authorization)).toEqual(["Bearer 0", "Bearer 1"]);
  });

  it("follows no redirect to another scheme", async () => {
    for (const location of [
      "file:///etc/passwd",
      "ftp://host/a",
      "https://elsewhere.example/a",
      "data:,abc",
    ]) {
      leadTo(location);
      expect(await codeOf(new HttpStorage().read(`${first.url}/here`, range))).toBe("AccessDenied");
    }
  });

  it("follows no redirect to an address with a user name", async () => {
    leadTo(`http://user:password@${second.host}/target`);
    const error: unknown = await new HttpStorage().read(`${first.url}/here`, range).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "InvalidArgument" });
    expect(JSON.stringify(error)).not.toContain("password@");
    expect(second.log).toEqual([]);
  });

  it("gives up in a circle", async () => {
    first.behaviour = (_, response) => void response.writeHead(302, { location: "/again" }).end();
    expect(await codeOf(new HttpStorage().read(`${first.url}/here`, range))).toBe("StorageFailed");
    expect(first.log.length).toBeLessThan(10);
  });

  it("pays the detour once, and again when the signature of the target has run out", async () => {
    let signature = 1;
    first.behaviour = (_, response) => {
      response
        .writeHead(302, { location: `${second.url}/target?sig=${signature}`, "content-length": 0 })
        .end();
    };
    second.behaviour = (request, response, serve) => {
      if (request.url === `/target?sig=${signature}`) serve();
      else response.writeHead(403).end();
    };
    const storage = new HttpStorage();
    for (let i = 0; i < 3; i++) await storage.read(`${first.url}/here`, range);
    expect(first.log).toHaveLength(1);
    signature = 2;
    const { parts } = await storage.read(`${first.url}/here`, range);
    expect(parts[0]).toEqual(pattern(1000).slice(10, 20));
    expect(first.log).toHaveLength(2);
  });

  it("signs addresses where it is asked to, without showing the signature", async () => {
    first.behaviour = (request, response, serve) => {
      if (request.url?.startsWith("/target?sig=")) serve();
      else response.writeHead(403).end();
    };
    const storage = new HttpStorage({ sign: async (address) => `${address}?sig=5ecre7` });
    const { parts } = await storage.read(`${first.url}/target`, range);
    expect(parts[0]).toEqual(pattern(1000).slice(10, 20));
    first.behaviour = (_, response) => void response.writeHead(404).end();
    const error: unknown = await storage.read(`${first.url}/target`, range).catch((e: unknown) => e);
    expect(JSON.stringify(error)).not.toContain("5ecre7");
  });

  it("does not repeat a header that cannot be sent", async () => {
    const storage = new HttpStorage({ bearerTokens: { [first.host]: "5ecre7\n" } });
    const error: unknown = await storage.read(`${first.url}/target`, range).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "InvalidArgument" });
    expect(String(error)).not.toContain("5ecre7");
  });
});

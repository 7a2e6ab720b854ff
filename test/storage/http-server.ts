/**
 * A small server of objects for tests: ranges and validators as they should be, and any misbehaviour on top.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface ServedObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Answers a request itself, or calls `serve` for the proper answer. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, serve: () => void) => void;

export class ObjectServer {
  readonly objects: Map<string, ServedObject> = new Map();
  /** Every request, as `GET /path bytes=0-1`. */
  readonly log: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  behaviour: Behaviour | undefined;
  /** Requests under way now, and the most there were at once. */
  underWay = 0;
  mostUnderWay = 0;
  readonly #server: Server;
  #versions = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.log.push([request.method, request.url, request.headers.range].filter(Boolean).join(" "));
      this.headers.push(request.headers);
      this.underWay += 1;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
      response.once("close", () => {
        this.underWay -= 1;
      });
      const serve = () => this.serve(request, response);
      if (this.behaviour) this.behaviour(request, response, serve);
      else serve();
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get host(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  }

  get url(): string {
    return `http://${this.host}`;
  }

  put(path: string, bytes: Uint8Array): string {
    this.#versions += 1;
    this.objects.set(path, { bytes, etag: `"v${this.#versions}"` });
    return this.url + path;
  }

  reset(): void {
    this.behaviour = undefined;
    this.log.length = 0;
    this.headers.length = 0;
    this.mostUnderWay = 0;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const object = this.objects.get(decodeURIComponent((request.url ?? "").replace(/\?.*$/, "")));
    if (object === undefined) {
      response.writeHead(404, { "content-length": 0 }).end();
      return;
    }
    const { bytes, etag } = object;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const first = range ? Number(range[1]) : 0;
    if (range && first >= bytes.length) {
      response.writeHead(416, { "content-range": `bytes */${bytes.length}`, "content-length": 0 }).end();
      return;
    }
    const end = range ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
    response.writeHead(range ? 206 : 200, {
      etag,
      "content-length": end - first,
      ...(range && { "content-range": `bytes ${first}-${end - 1}/${bytes.length}` }),
    });
    response.end(request.method === "HEAD" ? undefined : bytes.subarray(first, end));
  }
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

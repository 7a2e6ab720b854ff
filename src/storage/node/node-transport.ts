/**
 * Requests through Node's `http` and `https`. A request through its `fetch` takes five times the processor's time (1 ms
 * instead of 0.2), and the first one 40 ms to load it: more than all the rest of a scan of many small ranges.
 *
 * @module
 */

import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { HttpBody, HttpRequest, HttpResponse } from "../http/transport.ts";

// Idle connections do not keep the process alive; how many are busy is decided by those who ask.
const AGENT_OPTIONS = { keepAlive: true, maxFreeSockets: 64 };
const agent = new Agent(AGENT_OPTIONS);
const secureAgent = new SecureAgent(AGENT_OPTIONS);
/** A body that nobody reads is read to its end up to this size: its connection can then be used again. */
const WORTH_READING = 64 * 1024;

/** Sends a request; redirects are left to the caller. */
export async function nodeTransport(url: string, asked: HttpRequest): Promise<HttpResponse> {
  if (asked.redirect === "follow") return await globalThis.fetch(url, asked);
  try {
    return await send(url, asked);
  } catch (error) {
    // The server closed an idle connection in the very moment in which it was used again.
    if (error instanceof ClosedWhileIdle && !asked.signal.aborted) return await send(url, asked);
    throw error instanceof ClosedWhileIdle ? error.cause : error;
  }
}

class ClosedWhileIdle extends Error {}

function send(url: string, { method, headers, signal }: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const target = new URL(url);
    const options = { method, headers: { "accept-encoding": "identity", ...headers } };
    const sent: ClientRequest =
      target.protocol === "https:"
        ? secureRequest(target, { ...options, agent: secureAgent })
        : request(target, { ...options, agent });
    const abort = () => {
      reject(signal.reason);
      sent.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    sent.once("close", () => signal.removeEventListener("abort", abort));
    sent.once("response", (message) => resolve(new NodeResponse(url, message, signal)));
    sent.on("error", (error) => {
      const idle = sent.reusedSocket && "code" in error && error.code === "ECONNRESET";
      reject(idle ? new ClosedWhileIdle(error.message, { cause: error }) : error);
    });
    sent.end();
  });
}

class NodeResponse implements HttpResponse {
  readonly status: number;
  readonly type = "basic";
  readonly url: string;
  readonly headers: HttpResponse["headers"];
  readonly body: HttpBody | null;
  bodyUsed = false;

  constructor(url: string, message: IncomingMessage, signal: AbortSignal) {
    this.url = url;
    this.status = message.statusCode ?? 0;
    const value = (name: string): string | null => {
      const found = message.headers[name.toLowerCase()];
      return Array.isArray(found) ? found.join(", ") : (found ?? null);
    };
    this.headers = { get: value, has: (name) => value(name) !== null };
    const cancel = async (): Promise<void> => {
      // Its end must be read even where nothing comes before it: until then the connection counts as busy, and would
      // keep the process alive.
      if (message.complete || Number(value("content-length") ?? Number.POSITIVE_INFINITY) <= WORTH_READING)
        message.resume();
      else message.destroy();
    };
    this.body = {
      cancel,
      getReader: () => {
        this.bodyUsed = true;
        const pieces = new Pieces(decoded(message, value("content-encoding")));
        return {
          read: async () => {
            try {
              const piece = await pieces.next();
              return { done: piece === undefined, value: piece && plain(piece) };
            } catch (error) {
              throw signal.aborted ? signal.reason : error;
            }
          },
          cancel: async () => void message.destroy(),
        };
      },
    };
  }
}

/**
 * The pieces of a stream one by one. (Its own iterator costs a small answer more than all the rest of reading it.)
 * The stream waits while a piece waits.
 */
class Pieces {
  readonly #stream: Readable;
  readonly #waiting: Uint8Array[] = [];
  #end: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("data", (piece: Uint8Array) => {
      this.#waiting.push(piece);
      if (this.#wake) this.#wake();
      else stream.pause();
    });
    stream.once("end", () => this.#finish(undefined));
    stream.once("error", (error) => this.#finish(error));
    stream.once("close", () =>
      this.#finish(new Error("the connection was closed before the end of the body")),
    );
  }

  /** Undefined at the end. Errors: those of the stream. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.resume();
      });
      this.#wake = undefined;
    }
    return this.#waiting.shift();
  }

  #finish(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
]);

/** The body without its content encoding, as `fetch` gives it. */
function decoded(message: IncomingMessage, encoding: string | null): Readable {
  const decoder = DECODERS.get(encoding?.trim().toLowerCase() ?? "")?.();
  if (decoder === undefined) return message;
  // Errors reach whoever reads the decoder.
  pipeline(message, decoder, () => undefined);
  return decoder;
}

/** Not a Buffer, whose `slice` gives a view where that of other arrays copies. */
function plain(piece: Uint8Array): Uint8Array {
  return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
}

/**
 * As much of the S3 protocol as the storage speaks, over objects in memory, with the quirks of real services on
 * demand. Signatures are not verified.
 *
 * @module
 */

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly modified: Date;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Answers a request itself and says so by `true`. */
export type S3Behaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

export class S3Server {
  readonly objects: Map<string, StoredObject> = new Map();
  readonly log: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  behaviour: S3Behaviour | undefined;
  /** ETags without quotes, in answers and conditions, as Ceph 16 compares them. */
  unquotedConditions = false;
  unquotedAnswers = false;
  batchDelete = true;
  pageSize = 7;
  readonly #uploads = new Map<string, Map<number, Uint8Array>>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      this.log.push(`${request.method} ${request.url?.replace(/x-id=[A-Za-z]+&?/, "").replace(/[?&]$/, "")}`);
      this.headers.push(request.headers);
      const pieces: Uint8Array[] = [];
      for await (const piece of request) pieces.push(piece as Uint8Array);
      if (this.behaviour?.(request, response)) return;
      this.#answer(request, response, concatenated(pieces));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  }

  reset(): void {
    this.behaviour = undefined;
    this.unquotedConditions = false;
    this.unquotedAnswers = false;
    this.batchDelete = true;
    this.log.length = 0;
    this.headers.length = 0;
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: Uint8Array): ServerResponse {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(decodeURIComponent(url.pathname)) ?? [];
    const id = `${bucket}/${key}`;
    const query = url.searchParams;
    if (key === "" && request.method === "GET") return this.#list(response, bucket, query);
    if (key === "" && request.method === "POST") return this.#deleteMany(response, bucket, body);
    if (query.has("uploads")) {
      const upload = randomUUID();
      this.#uploads.set(upload, new Map());
      return xml(
        response,
        200,
        `<InitiateMultipartUploadResult><UploadId>${upload}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const upload = query.get("uploadId");
    if (upload !== null) return this.#part(request, response, id, upload, query, body);
    if (request.method === "PUT") return this.#put(request, response, id, body);
    if (request.method === "DELETE") {
      this.objects.delete(id);
      return response.writeHead(204).end();
    }
    return this.#get(request, response, id);
  }

  #get(request: IncomingMessage, response: ServerResponse, id: string): ServerResponse {
    const object = this.objects.get(id);
    if (object === undefined) return failure(response, 404, "NoSuchKey", request.method === "HEAD");
    const { bytes, modified, metadata } = object;
    const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/.exec(request.headers.range ?? "");
    let [first, end] = [0, bytes.length];
    if (match?.[3] !== undefined) first = Math.max(bytes.length - Number(match[3]), 0);
    else if (match) {
      first = Number(match[1]);
      if (match[2]) end = Math.min(Number(match[2]) + 1, bytes.length);
    }
    if (match && first >= bytes.length) return failure(response, 416, "InvalidRange");
    response.writeHead(match ? 206 : 200, {
      etag: this.#tag(object.etag),
      "last-modified": modified.toUTCString(),
      "content-length": end - first,
      ...(match && { "content-range": `bytes ${first}-${end - 1}/${bytes.length}` }),
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    });
    return response.end(request.method === "HEAD" ? undefined : bytes.subarray(first, end));
  }

  #put(request: IncomingMessage, response: ServerResponse, id: string, body: Uint8Array): ServerResponse {
    const existing = this.objects.get(id);
    const wanted = request.headers["if-match"];
    if (wanted !== undefined && existing === undefined) return failure(response, 404, "NoSuchKey");
    const tag = this.unquotedConditions ? existing?.etag : `"${existing?.etag}"`;
    if ((wanted !== undefined && wanted !== tag) || (request.headers["if-none-match"] === "*" && existing)) {
      return failure(response, 412, "PreconditionFailed");
    }
    const metadata: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (name.startsWith("x-amz-meta-")) metadata[name.slice("x-amz-meta-".length)] = String(value);
    }
    return response.writeHead(200, { etag: this.#tag(this.store(id, body, metadata)) }).end();
  }

  /** Stores an object; its ETag. */
  store(id: string, bytes: Uint8Array, metadata: Readonly<Record<string, string>> = {}): string {
    const etag = createHash("md5").update(bytes).digest("hex");
    this.objects.set(id, { bytes: bytes.slice(), etag, modified: new Date(), metadata });
    return etag;
  }

  #part(
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    upload: string,
    query: URLSearchParams,
    body: Uint8Array,
  ): ServerResponse {
    const parts = this.#uploads.get(upload);
    if (parts === undefined) return failure(response, 404, "NoSuchUpload");
    if (request.method === "PUT") {
      parts.set(Number(query.get("partNumber")), body);
      return response.writeHead(200, { etag: `"${createHash("md5").update(body).digest("hex")}"` }).end();
    }
    this.#uploads.delete(upload);
    if (request.method === "DELETE") {
      return response.writeHead(204).end();
    }
    const numbers = [...new TextDecoder().decode(body).matchAll(/<PartNumber>(\d+)</g)].map((match) =>
      Number(match[1]),
    );
    const etag = this.store(
      id,
      concatenated(numbers.map((number) => parts.get(number) ?? new Uint8Array(0))),
    );
    return xml(
      response,
      200,
      `<CompleteMultipartUploadResult><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`,
    );
  }

  /** Uploads in parts that were begun and neither completed nor given up. */
  get uploadsUnderWay(): number {
    return this.#uploads.size;
  }

  #list(response: ServerResponse, bucket: string, query: URLSearchParams): ServerResponse {
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter");
    const after = query.get("continuation-token") ?? "";
    const entries = new Map<string, StoredObject | undefined>();
    for (const [id, object] of [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!id.startsWith(`${bucket}/${prefix}`)) continue;
      const key = id.slice(bucket.length + 1);
      const slash = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
      if (slash < 0) entries.set(key, object);
      else entries.set(key.slice(0, slash + 1), undefined);
    }
    const left = [...entries].filter(([name]) => name > after);
    const page = left.slice(0, this.pageSize);
    const more = left.length > page.length;
    const items = page.map(([name, object]) =>
      object
        ? `<Contents><Key>${encodeURIComponent(name)}</Key><Size>${object.bytes.length}</Size><ETag>"${object.etag}"</ETag><LastModified>${object.modified.toISOString()}</LastModified></Contents>`
        : `<CommonPrefixes><Prefix>${encodeURIComponent(name)}</Prefix></CommonPrefixes>`,
    );
    const token = more
      ? `<NextContinuationToken>${escapeXml(page.at(-1)?.[0] ?? "")}</NextContinuationToken>`
      : "";
    return xml(
      response,
      200,
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${token}${items.join("")}</ListBucketResult>`,
    );
  }

  #deleteMany(response: ServerResponse, bucket: string, body: Uint8Array): ServerResponse {
    if (!this.batchDelete) return failure(response, 501, "NotImplemented");
    for (const [, key = ""] of new TextDecoder().decode(body).matchAll(/<Key>([^<]*)<\/Key>/g)) {
      this.objects.delete(
        `${bucket}/${key
          .replace(/&lt;/g, "<")
          .replace(/&quot;/g, '"')
          .replace(/&amp;/g, "&")}`,
      );
    }
    return xml(response, 200, "<DeleteResult></DeleteResult>");
  }

  #tag(etag: string): string {
    return this.unquotedAnswers ? etag : `"${etag}"`;
  }
}

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function xml(response: ServerResponse, status: number, body: string): ServerResponse {
  return response
    .writeHead(status, { "content-type": "application/xml" })
    .end(`<?xml version="1.0"?>${body}`);
}

/** An error as S3 words it. */
export function failure(
  response: ServerResponse,
  status: number,
  code: string,
  bodyless = false,
): ServerResponse {
  if (bodyless) return response.writeHead(status).end();
  return xml(response, status, `<Error><Code>${code}</Code><Message>said by the test</Message></Error>`);
}

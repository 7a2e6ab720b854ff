/**
 * What sends requests: `fetch`, or what a platform has in its place.
 *
 * @module
 */

/** A body that is read piece by piece. */
export interface HttpBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
  cancel(): Promise<void>;
}

/** What is used of a `Response`. */
export interface HttpResponse {
  readonly status: number;
  readonly type: string;
  /** The address that answered, after redirects. */
  readonly url: string;
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
  readonly body: HttpBody | null;
  readonly bodyUsed: boolean;
}

export interface HttpRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly redirect: "manual" | "follow";
  readonly signal: AbortSignal;
}

export type Transport = (url: string, request: HttpRequest) => Promise<HttpResponse>;

/** Sends through `fetch`. */
export const fetchTransport: Transport = (url, request) => globalThis.fetch(url, request);

/** What is in use where no `fetch` is given. */
export const transport: { send: Transport } = { send: fetchTransport };

/** Puts a platform's own way in place. Called by `node.ts`. */
export function useTransport(send: Transport): void {
  transport.send = send;
}

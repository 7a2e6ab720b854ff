/**
 * Following redirects by hand, so that headers go to the host that they are meant for and no redirect leads from
 * https to http.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { refuseUserInformation } from "../address.ts";
import { type HttpOptions, headersFor } from "./http-options.ts";
import { type HttpRequest, type HttpResponse, transport } from "./transport.ts";

const MOST_REDIRECTS = 5;
/** Where an address led is remembered this long: each range of a file would pay the detour. Milliseconds. */
const REMEMBERED = 60_000;
const MOST_REMEMBERED = 1000;

type RequestLine = Pick<HttpRequest, "method" | "signal">;

interface Target {
  readonly url: string;
  readonly until: number;
}

/** Sends requests and remembers where redirects led. */
export class Redirects {
  readonly #options: HttpOptions;
  readonly #targets = new Map<string, Target>();
  /** Origins whose redirects only the platform can follow: browsers do not show where they lead. */
  readonly #opaque = new Set<string>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Sends a request, wherever it leads.
   *
   * Errors: `AccessDenied` for a redirect that is not followed; those of `fetch`.
   */
  async send(
    address: string,
    headers: Readonly<Record<string, string>>,
    init: RequestLine,
  ): Promise<HttpResponse> {
    const asked = await (this.#options.sign?.(address) ?? address);
    const remembered = this.#targets.get(asked);
    if (remembered !== undefined && remembered.until > Date.now()) {
      const response = await this.#ask(remembered.url, headers, init, "manual");
      // A signature in the target may have run out: then the way is asked for again.
      if (response.status < 300 || response.status === 416 || response.status >= 500) return response;
      await response.body?.cancel();
    }
    this.#targets.delete(asked);
    return await this.#follow(asked, headers, init);
  }

  async #follow(
    asked: string,
    headers: Readonly<Record<string, string>>,
    init: RequestLine,
  ): Promise<HttpResponse> {
    let url = asked;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const origin = new URL(url).origin;
      if (this.#opaque.has(origin)) return await this.#letFollow(url, headers, init);
      const response = await this.#ask(url, headers, init, "manual");
      if (response.type === "opaqueredirect") {
        this.#opaque.add(origin);
        return await this.#letFollow(url, headers, init);
      }
      const location = isRedirect(response.status) ? response.headers.get("location") : null;
      if (location === null) {
        if (hops > 0) this.#remember(asked, url);
        return response;
      }
      await response.body?.cancel();
      url = redirectTarget(asked, url, location);
    }
    throw new MoraineError("StorageFailed", `more than ${MOST_REDIRECTS} redirects`, { source: asked });
  }

  /** The platform follows, which is safe where no header of ours could go astray. */
  async #letFollow(
    url: string,
    headers: Readonly<Record<string, string>>,
    init: RequestLine,
  ): Promise<HttpResponse> {
    if (Object.keys(await headersFor(url, this.#options)).length > 0) {
      throw new MoraineError(
        "AccessDenied",
        "the server redirects a request that carries credentials; give the address that it leads to",
        { source: url },
      );
    }
    const response = await this.#ask(url, headers, init, "follow");
    if (response.url !== "" && response.url !== url) redirectTarget(url, url, response.url);
    return response;
  }

  async #ask(
    url: string,
    headers: Readonly<Record<string, string>>,
    init: RequestLine,
    redirect: HttpRequest["redirect"],
  ): Promise<HttpResponse> {
    const all = { ...(await headersFor(url, this.#options)), ...headers };
    return await (this.#options.fetch ?? transport.send)(url, { ...init, headers: all, redirect });
  }

  #remember(asked: string, url: string): void {
    if (this.#targets.size >= MOST_REMEMBERED) this.#targets.clear();
    this.#targets.set(asked, { url, until: Date.now() + REMEMBERED });
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The address that a redirect leads to. Errors: `AccessDenied` where it must not be followed. */
function redirectTarget(asked: string, from: string, location: string): string {
  let target: URL;
  try {
    target = new URL(location, from);
  } catch {
    throw new MoraineError("StorageFailed", "the server redirects to something that is no address", {
      source: asked,
    });
  }
  const before = new URL(from);
  // From http to https on one host is what servers do to everybody; any other change of scheme is not.
  const upgraded =
    before.protocol === "http:" && target.protocol === "https:" && before.hostname === target.hostname;
  if (target.protocol !== before.protocol && !upgraded) {
    throw new MoraineError(
      "AccessDenied",
      `the server redirects from ${before.protocol} to ${target.protocol}, which is not followed`,
      { source: asked },
    );
  }
  refuseUserInformation(target.href);
  return target.href;
}

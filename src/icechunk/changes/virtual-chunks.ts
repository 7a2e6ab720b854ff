/**
 * Where virtual chunks may lie and who allowed it. A repository names containers, places that its references lead
 * to; only the person who opens it can allow that they are read, as a repository from a stranger may name any
 * file or host (Icechunk, "Virtual chunk containers").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { schemeOf } from "../../storage/address.ts";
import { isAuthorized, refuseClimbing } from "../../storage/authorized-prefixes.ts";
import type { Version } from "../../storage/storage.ts";
import type { VirtualChunkContainer } from "../configuration.ts";
import type { VirtualObject } from "../format/chunk-references.ts";

/** Schemes whose objects have plain keys, which a location escapes. */
const KEY_SCHEMES: ReadonlySet<string> = new Set(["s3", "gs", "gcs", "az", "azure", "abfs", "tigris"]);
/** The form of a local file's ETag in object_store, which official writers use: inode, microseconds, size. */
const FILE_ETAG = /^"?[0-9a-f]+-([0-9a-f]+)-([0-9a-f]+)"?$/;

/** Which containers may be read: URL prefixes, or all that the repository names. */
export type VirtualChunkAuthorization = readonly string[] | "all";

/** The location by which a reference names an object. */
export function locationOfAddress(address: string): string {
  const scheme = schemeOf(address);
  if (scheme === undefined) {
    throw new MoraineError("InvalidArgument", "a location is an absolute URL", { source: address });
  }
  if (KEY_SCHEMES.has(scheme)) {
    // Readers cut at ? and #, and decode escapes.
    return address.replace(/[%?#]/g, (character) => encodeURIComponent(character));
  }
  if (scheme !== "memory" && /[?#]/.test(address)) {
    throw new MoraineError("Incompatible", "Icechunk's readers drop what follows ? or # in a location", {
      source: address,
    });
  }
  return address;
}

/**
 * What a scan, or another reference, knows of an object, in the forms that a reference can keep.
 *
 * @param scheme of where it lies, which a location in a named container does not tell
 */
export function virtualObjectOf(
  address: string,
  version: Version | undefined,
  scheme: string | undefined = schemeOf(address),
): VirtualObject {
  const location = locationOfAddress(address);
  const etag = version?.etag;
  // Official readers make ETags of local files in a way of their own; only the time means the same to all.
  if (etag !== undefined && scheme !== "file" && !etag.startsWith("W/")) return { location, etag };
  const lastModified = version?.lastModified ?? version?.notAfter;
  // Rounded up: a reader refuses objects that are newer, to the nanosecond.
  return lastModified === undefined
    ? { location }
    : { location, lastModified: Math.ceil(lastModified / 1000) };
}

/** Where a virtual object lies. */
export interface VirtualPlace {
  readonly address: string;
  readonly version: Version | undefined;
}

/** Resolved locations that are kept. */
const KEPT_PLACES = 8192;

/** Resolves locations to addresses that may be read. */
export class VirtualChunkAccess {
  readonly #containers: readonly VirtualChunkContainer[];
  readonly #authorization: VirtualChunkAuthorization;
  readonly #source: string;
  /** Locations that may be read, as they were resolved. */
  readonly #resolved = new Map<string, { readonly address: string; readonly scheme: string | undefined }>();

  /** @param source address of the repository, for errors */
  constructor(
    containers: readonly VirtualChunkContainer[],
    authorization: VirtualChunkAuthorization,
    source: string,
  ) {
    // The longest prefix that matches counts.
    this.#containers = [...containers].sort((a, b) => b.urlPrefix.length - a.urlPrefix.length);
    this.#authorization = authorization;
    this.#source = source;
  }

  /**
   * The address of an object that may be read, and the version that it must have.
   *
   * Errors: `Unauthorized`, `NotFound` (no container), `InvalidArgument`.
   */
  resolve(object: VirtualObject): VirtualPlace {
    let place = this.#resolved.get(object.location);
    if (place === undefined) {
      const location = this.#absolute(object.location);
      this.#requireAuthorized(location, this.#containerPrefix(location));
      place = { address: addressOf(location), scheme: schemeOf(location) };
      if (this.#resolved.size >= KEPT_PLACES) this.#resolved.clear();
      this.#resolved.set(object.location, place);
    }
    return { address: place.address, version: versionOf(object, place.scheme) };
  }

  /** As {@link resolve}, to be told and not to be read: nothing needs to be authorized. */
  locate(object: VirtualObject): VirtualPlace {
    const location = this.#absolute(object.location);
    return { address: addressOf(location), version: versionOf(object, schemeOf(location)) };
  }

  /** The scheme of the place that a location leads to. Errors: `NotFound` for a container that is not there. */
  schemeOf(location: string): string | undefined {
    const scheme = schemeOf(location);
    return scheme === "vcc" ? schemeOf(this.#absolute(location)) : scheme;
  }

  /** Whether a container covers a location, so that others can authorize it. */
  covers(location: string): boolean {
    const absolute = this.#absolute(location);
    return this.#containers.some((item) => absolute.startsWith(item.urlPrefix));
  }

  /** A `vcc://name/path` as the URL that it stands for; `file:` URLs without `..`. */
  #absolute(location: string): string {
    const relative = /^vcc:\/\/([^/]*)\/(.*)$/i.exec(location);
    if (!relative) return canonical(location, this.#source);
    const [, name, path] = relative;
    const container = this.#containers.find((item) => item.name === name);
    if (!container) {
      throw new MoraineError("NotFound", `the repository has no virtual chunk container named "${name}"`, {
        source: location,
      });
    }
    return canonical(container.urlPrefix + path, this.#source);
  }

  #containerPrefix(location: string): string {
    const prefixes = this.#authorization === "all" ? [] : this.#authorization;
    const container = this.#containers.find((item) => location.startsWith(item.urlPrefix));
    const prefix = container?.urlPrefix ?? prefixes.find((item) => isAuthorized(location, [item]));
    if (prefix === undefined) {
      throw new MoraineError(
        "Unauthorized",
        "no virtual chunk container of the repository covers this location; " +
          `authorize a prefix of it when the repository is opened, such as ["${suggestedPrefix(location)}"]`,
        { source: location },
      );
    }
    return prefix;
  }

  #requireAuthorized(location: string, prefix: string): void {
    if (this.#authorization === "all") return;
    if (isAuthorized(prefix, this.#authorization) || isAuthorized(location, this.#authorization)) return;
    throw new MoraineError(
      "Unauthorized",
      `chunks below ${prefix} are not authorized; ` +
        `open the repository with authorize: ["${prefix}"] if you trust it to name this place`,
      { source: location },
    );
  }
}

function suggestedPrefix(location: string): string {
  return location.slice(0, location.lastIndexOf("/") + 1);
}

/** The one form in which prefixes are compared. Errors: `InvalidArgument` for names that climb. */
function canonical(location: string, source: string): string {
  const scheme = schemeOf(location);
  if (scheme === undefined) {
    throw new MoraineError("InvalidMetadata", `"${location}" is no URL`, { source });
  }
  const lowered = scheme + location.slice(scheme.length);
  refuseClimbing(lowered);
  return lowered;
}

/** The address of a location: for object stores with the escapes of the key decoded. */
function addressOf(location: string): string {
  const scheme = schemeOf(location) ?? "";
  if (!KEY_SCHEMES.has(scheme)) return location;
  try {
    return decodeURIComponent(location.replace(/[?#].*$/, ""));
  } catch {
    throw new MoraineError("InvalidMetadata", "an escape in this location cannot be decoded", {
      source: location,
    });
  }
}

/** What the storage must find there. */
function versionOf(object: VirtualObject, scheme: string | undefined): Version | undefined {
  const { etag, lastModified } = object;
  if (etag !== undefined) {
    const file = scheme === "file" ? FILE_ETAG.exec(etag) : null;
    if (!file) return { etag };
    const [, time, size] = file;
    return { size: Number.parseInt(size ?? "", 16), notAfter: (Number.parseInt(time ?? "", 16) + 1) / 1000 };
  }
  return lastModified === undefined ? undefined : { notAfter: lastModified * 1000 };
}

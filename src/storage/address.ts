/**
 * Addresses: what a person types (a path, a URL) and the URL that it stands for.
 *
 * A folder's address ends with a slash. Paths become `file:` URLs, in which every character that a URL gives a
 * meaning (`%`, `#`, `?`, blanks) is escaped.
 *
 * @module
 */

import { MoraineError, withoutSecrets } from "../errors.ts";

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** The scheme of an address in lower case, or undefined for a path. */
export function schemeOf(address: string): string | undefined {
  return SCHEME.exec(address)?.[1]?.toLowerCase();
}

/** Whether an address is of this machine: a further request costs nearly nothing. */
export function isNear(address: string): boolean {
  return /^(file|memory):/.test(address);
}

/**
 * The absolute address of what was typed: URLs stay as they are, paths become `file:` URLs.
 *
 * @param base folder against which relative paths are resolved, an absolute path
 * Errors: `InvalidArgument` for an address with user information (`https://user:password@host/`), which would
 * carry secrets into manifests and messages.
 */
export function resolveAddress(typed: string, base: string): string {
  if (schemeOf(typed) !== undefined) {
    refuseUserInformation(typed);
    return typed;
  }
  if (typed === "") throw new MoraineError("InvalidArgument", "an empty address");
  return pathToAddress(typed.startsWith("/") ? typed : `${base.replace(/\/+$/, "")}/${typed}`);
}

/** Refuses `scheme://user:password@host`, without repeating what it says. */
export function refuseUserInformation(address: string): void {
  const [, scheme = "", authority = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(address) ?? [];
  // In Azure's abfs[s]://container@account… the container stands there, which is no secret.
  const container = /^abfss?$/i.test(scheme) && /^[^:@]+@[^@]+\.core\.windows\.net$/i.test(authority);
  if (authority.includes("@") && !container) {
    throw new MoraineError(
      "InvalidArgument",
      "an address must not carry a user name or password; give credentials as options or in the environment",
    );
  }
}

/**
 * Refuses an address that carries a signature or token in its query: what is written down (references, messages of
 * commits) would hand it on.
 */
export function refuseSecrets(address: string): void {
  if (withoutSecrets(address) !== address) {
    throw new MoraineError(
      "InvalidArgument",
      "this address carries a signature or token, which references would hand on; " +
        "give the plain address and the credentials apart from it",
      { source: address },
    );
  }
}

/** The `file:` URL of an absolute path; `.` and `..` are resolved. */
export function pathToAddress(path: string): string {
  const folder = path.endsWith("/") || /\/\.{1,2}$/.test(path);
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(escapePart(part));
  }
  return `file:///${parts.join("/")}${folder && parts.length > 0 ? "/" : ""}`;
}

/** The absolute path of a `file:` URL. */
export function addressToPath(address: string): string {
  const match = /^file:\/\/([^/]*)(\/.*)?$/i.exec(address);
  if (!match || (match[1] !== "" && match[1]?.toLowerCase() !== "localhost")) {
    throw new MoraineError("InvalidArgument", "not the address of a local file", { source: address });
  }
  try {
    const path = decodeURIComponent(match[2] ?? "/");
    if (path.includes("\0")) throw new URIError("NUL");
    return path;
  } catch {
    throw new MoraineError("InvalidArgument", "an escape in this address cannot be decoded", {
      source: address,
    });
  }
}

/** Escapes one part of a path for a URL. */
function escapePart(part: string): string {
  return encodeURIComponent(part).replace(/%(?:2B|2C|3A|3D|40|24|26|3B)/g, (sequence) =>
    decodeURIComponent(sequence),
  );
}

/**
 * The address of a key below a folder. Keys are plain text: each part is escaped where the address is a
 * `file:` or `http(s):` URL; object stores and memory take keys as they are.
 */
export function joinAddress(folder: string, key: string): string {
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  const scheme = schemeOf(folder);
  const escaped =
    scheme === "file" || scheme === "http" || scheme === "https"
      ? key.split("/").map(escapePart).join("/")
      : key;
  return base + escaped;
}

/** The key of an address below a folder, the inverse of {@link joinAddress}; undefined where it is not below. */
export function keyBelow(folder: string, address: string): string | undefined {
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  if (!address.startsWith(base)) return undefined;
  const rest = address.slice(base.length);
  const scheme = schemeOf(folder);
  return scheme === "file" || scheme === "http" || scheme === "https"
    ? rest.split("/").map(decodeURIComponent).join("/")
    : rest;
}

/** The folder of an address, with its slash. */
export function folderOf(address: string): string {
  return address.slice(0, address.lastIndexOf("/") + 1);
}

/** The last part of an address without its escapes: the name of a file. */
export function nameOf(address: string): string {
  const path = address.replace(/[?#].*$/, "").replace(/\/+$/, "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * What a path inside a source means (external links, external raw files): resolved against the folder of the source.
 *
 * Errors: `Unauthorized` for the address of another storage or host: a file must not send its reader there.
 */
export function relativeAddress(source: string, path: string): string {
  if (schemeOf(path) !== undefined) {
    refuseUserInformation(path);
    if (serverOf(path) !== serverOf(source)) {
      throw new MoraineError(
        "Unauthorized",
        "the file refers to another storage or host, which is not followed",
        {
          source: path,
        },
      );
    }
    return path;
  }
  const scheme = schemeOf(source);
  if (path.startsWith("/")) {
    if (scheme === "file") return pathToAddress(path);
    const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(source)?.[0] ?? "";
    return joinAddress(origin, normalizeKey(path));
  }
  const folder = folderOf(source.replace(/[?#].*$/, ""));
  if (scheme === "file") return pathToAddress(addressToPath(folder) + path);
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/]*\/)(.*)$/i.exec(folder);
  const root = match?.[1] ?? folder;
  const below = keyBelow(root, folder) ?? "";
  return joinAddress(root, normalizeKey(below + path));
}

/** `https://host:port`, in lower case. */
function serverOf(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(address)?.[0].toLowerCase() ?? "";
}

function normalizeKey(key: string): string {
  const parts: string[] = [];
  for (const part of key.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/**
 * The reader of DMR++ sidecars: XML documents of OPeNDAP's Hyrax that tell where in a NetCDF or HDF5 file the chunks of
 * its variables lie (https://docs.opendap.org/index.php/DMR%2B%2B).
 *
 * @module
 */

import { decodeXml } from "../../binary/xml.ts";
import { isMoraineError } from "../../errors.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { Reader } from "../reader.ts";
import { attributesOf } from "./attributes.ts";
import { DataSource } from "./data-source.ts";
import { type Element, parseDocument } from "./document.ts";
import { Scope } from "./scopes.ts";
import { isVariable } from "./values.ts";
import { arrayOfVariable, type DocumentContext } from "./variable.ts";

const LATIN1 = new TextDecoder("latin1");
/** A `Dataset` whose start tag declares both namespaces. */
const ROOT =
  /^(?:\u00EF\u00BB\u00BF)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:\w+:)?Dataset\s[^>]*>/;

/**
 * Reads a document and leads to the file that it is about: the one beside it, without `.dmrpp`, or its `href`.
 *
 * Errors of `open`: those of `parseXml`, `InvalidMetadata`, those of the storage. Variables of types, filters or layouts
 * that cannot be read, or with chunks that do not fit, are faulty.
 */
export const dmrpp: Reader = {
  name: "dmrpp",
  matches(head) {
    const [tag = ""] = ROOT.exec(LATIN1.decode(head)) ?? [];
    return /opendap\.org\/ns\/DAP\/4/i.test(tag) && /opendap\.org\/[^"']*dmrpp/.test(tag);
  },
  async open(address, storage, options): Promise<VirtualGroup> {
    const { parts } = await storage.read(address, [{ offset: 0 }], { signal: options?.signal });
    let root: Element;
    try {
      root = parseDocument(decodeXml(parts[0] ?? new Uint8Array(0)));
    } catch (error) {
      throw isMoraineError(error) ? error.at({ source: address }) : error;
    }
    const href = root.attributes.get("dmrpp:href") ?? root.attributes.get("href") ?? "";
    const version = root.attributes.get("dmrpp:version") ?? root.attributes.get("version");
    const context = {
      data: new DataSource(address, href, storage, options?.authorize),
      ordered: version !== undefined && version !== "",
    };
    return await groupOf(root, new Scope(root), context, address, options);
  },
};

async function groupOf(
  element: Element,
  scope: Scope,
  context: DocumentContext,
  source: string,
  options: StorageOptions | undefined,
): Promise<VirtualGroup> {
  const children = new Map<string, VirtualGroup | VirtualArray | FaultyArray>();
  const { attributes, notes } = attributesOf(element);
  const odd: string[] = [];
  for (const child of element.children) {
    const isGroup = child.name === "Group";
    if (!isGroup && !isVariable(child.name)) continue;
    const name = child.attributes.get("name") ?? "";
    if (name === "" || name.includes("/") || children.has(name)) {
      odd.push(`a ${child.name} named "${name}", or of a name that is there already, is passed over`);
      continue;
    }
    children.set(
      name,
      isGroup
        ? await groupOf(child, new Scope(child, scope), context, source, options)
        : await variableOf(child, scope, context, source, options),
    );
  }
  return { kind: "group", attributes, children, notes: [...notes, ...odd] };
}

async function variableOf(
  element: Element,
  scope: Scope,
  context: DocumentContext,
  source: string,
  options: StorageOptions | undefined,
): Promise<VirtualArray | FaultyArray> {
  try {
    return await arrayOfVariable(element, scope, context, options);
  } catch (error) {
    if (!isMoraineError(error) || error.code === "Aborted") throw error;
    return { kind: "fault", error: error.at({ source }) };
  }
}

/**
 * A DMR++ document as a tree of elements; the chunks of variables, which are nearly all of it, as columns.
 *
 * Names are those of the specification without prefixes: DAP4's elements as they are (`Dataset`, `Float32`), those of
 * the DMR++ namespace after `dmrpp:` whatever prefix the document gives them.
 *
 * @module
 */

import { parseXml, type XmlAttributes } from "../../binary/xml.ts";
import { MoraineError } from "../../errors.ts";
import { ChunkColumns } from "./chunk-columns.ts";

/** An element; its texts as one, without those of its children. */
export interface Element {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly children: Element[];
  text: string;
  /** The `dmrpp:chunk` elements in it. */
  chunks: ChunkColumns | undefined;
}

/** The namespace has had several addresses: `http://xml.opendap.org/dap/dmrpp/1.0.0#`, `http://opendap.org/ns/dmrpp/1.0#`. */
const DMRPP_NAMESPACE = /^https?:\/\/[^/]*opendap\.org\/.*\bdmrpp\b/;
const DAP_NAMESPACE = /^https?:\/\/[^/]*opendap\.org\/ns\/DAP\/4/i;
const CHUNK = "dmrpp:chunk";

/**
 * Parses a document. Errors: as `parseXml`; `InvalidMetadata` for one whose root is no `Dataset`.
 */
export function parseDocument(text: string): Element {
  let names: Names | undefined;
  let root: Element | undefined;
  const open: Element[] = [];
  let inChunk = false;
  parseXml(text, {
    open(written, attributes) {
      names ??= new Names(attributes);
      const name = names.of(written);
      const parent = open.at(-1);
      if (name === CHUNK && parent) {
        parent.chunks ??= new ChunkColumns();
        parent.chunks.add(attributes);
        inChunk = true;
        return;
      }
      const element: Element = {
        name,
        attributes: names.attributes(attributes),
        children: [],
        text: "",
        chunks: undefined,
      };
      if (parent) parent.children.push(element);
      else root = element;
      open.push(element);
    },
    text(part) {
      const element = open.at(-1);
      if (element) element.text += part;
    },
    close() {
      if (inChunk) inChunk = false;
      else open.pop();
    },
  });
  if (root?.name !== "Dataset")
    throw new MoraineError("InvalidMetadata", "the root of the document is no Dataset");
  return root;
}

/** The first child of a name. */
export function childOf(element: Element, name: string): Element | undefined {
  return element.children.find((child) => child.name === name);
}

/** Names without the prefixes that the root declares. */
class Names {
  readonly #prefixes = new Map<string, string>([["dmrpp", "dmrpp:"]]);

  constructor(root: XmlAttributes) {
    for (const [name, uri] of root) {
      if (!name.startsWith("xmlns:")) continue;
      const prefix = name.slice(6);
      if (DMRPP_NAMESPACE.test(uri)) this.#prefixes.set(prefix, "dmrpp:");
      else if (DAP_NAMESPACE.test(uri)) this.#prefixes.set(prefix, "");
    }
  }

  of(written: string): string {
    const at = written.indexOf(":");
    if (at < 0) return written;
    const known = this.#prefixes.get(written.slice(0, at));
    return known === undefined ? written : known + written.slice(at + 1);
  }

  attributes(written: XmlAttributes): XmlAttributes {
    if (![...written.keys()].some((name) => name.includes(":"))) return written;
    return new Map([...written].map(([name, value]) => [this.of(name), value]));
  }
}

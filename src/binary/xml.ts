/**
 * XML 1.0 as events, in one pass and bounded memory: elements, attributes, text. Document type declarations are refused,
 * so no entity can grow; everything else that is not well-formed is an error.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { latin1Text } from "./latin1.ts";

/** Attributes of an element by their names, as they are written (with prefixes). */
export type XmlAttributes = ReadonlyMap<string, string>;

/** Is told what a document holds, in its order. Names are given as they are written, with prefixes. */
export interface XmlHandler {
  open(name: string, attributes: XmlAttributes): void;
  /** Text between tags, references resolved; one run may come in several parts. */
  text(text: string): void;
  close(name: string): void;
}

const MAXIMUM_DEPTH = 200;
const NAME = "[A-Za-z_:\\u00C0-\\uFFFD][-A-Za-z0-9._:\\u00B7-\\uFFFD]*";
const OPEN = new RegExp(`<(${NAME})`, "y");
const CLOSE = new RegExp(`</(${NAME})[ \\t\\r\\n]*>`, "y");
const ATTRIBUTE = new RegExp(
  `[ \\t\\r\\n]+(${NAME})[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"([^"<]*)"|'([^'<]*)')`,
  "y",
);
const TAG_END = /[ \t\r\n]*(\/?)>/y;
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|([A-Za-z]+));|&/g;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);
/** Characters that XML forbids (section 2.2). */
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;
const DECLARED_ENCODING = /^<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][\w.-]*)["']/;

/**
 * The text of a document, in the encoding that it declares.
 *
 * Errors: `InvalidMetadata` for an encoding that is not known, or bytes that are none of it.
 */
export function decodeXml(bytes: Uint8Array): string {
  const head = latin1Text(bytes.subarray(0, 256));
  const mark =
    bytes[0] === 0xfe && bytes[1] === 0xff
      ? "utf-16be"
      : bytes[0] === 0xff && bytes[1] === 0xfe
        ? "utf-16le"
        : undefined;
  const encoding = mark ?? DECLARED_ENCODING.exec(head.replace(/^\u00EF\u00BB\u00BF/, ""))?.[1] ?? "utf-8";
  if (/^iso-8859-1$/i.test(encoding)) return latin1Text(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MoraineError("InvalidMetadata", `the document is no text in ${encoding}`, { cause });
  }
}

/**
 * Tells a handler what a document holds.
 *
 * Errors: `InvalidMetadata` where the document is not well-formed, `TruncatedFile` where it ends within an element,
 * `LimitExceeded` for elements deeper than 200; what the handler throws.
 *
 * @example
 * parseXml('<a x="1">text</a>', { open: (name) => console.log(name), text: () => {}, close: () => {} });
 */
export function parseXml(text: string, handler: XmlHandler): void {
  const open: string[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let seenRoot = false;
  while (at < text.length) {
    const next = text.indexOf("<", at);
    const end = next < 0 ? text.length : next;
    if (end > at) characters(text, at, end, open.length > 0, handler);
    if (next < 0) break;
    at = next;
    if (text.startsWith("<!--", at)) at = afterComment(text, at);
    else if (text.startsWith("<![CDATA[", at)) {
      const stop = endOf(text, "]]>", at);
      if (open.length === 0) throw malformed(text, at, "data outside of the root element");
      handler.text(allowed(text, at, text.slice(at + 9, stop)));
      at = stop + 3;
    } else if (text.startsWith("<?", at)) at = endOf(text, "?>", at) + 2;
    else if (text.startsWith("<!", at)) {
      throw malformed(text, at, "declarations of document types are not read here");
    } else if (text.startsWith("</", at)) {
      CLOSE.lastIndex = at;
      const [whole, name] = CLOSE.exec(text) ?? [];
      if (whole === undefined || name === undefined || open.pop() !== name) {
        throw malformed(text, at, "an end tag that belongs to no element");
      }
      handler.close(name);
      at += whole.length;
    } else {
      if (open.length === 0 && seenRoot) throw malformed(text, at, "a second root element");
      seenRoot = true;
      at = startTag(text, at, open, handler);
    }
  }
  if (open.length > 0) {
    throw new MoraineError("TruncatedFile", `the document ends within <${open.at(-1)}>`, {
      offset: text.length,
    });
  }
  if (!seenRoot) throw malformed(text, text.length, "there is no element");
}

function startTag(text: string, at: number, open: string[], handler: XmlHandler): number {
  OPEN.lastIndex = at;
  const name = OPEN.exec(text)?.[1];
  if (name === undefined) throw malformed(text, at, "a tag without a name");
  const attributes = new Map<string, string>();
  let end = OPEN.lastIndex;
  for (;;) {
    TAG_END.lastIndex = end;
    const closing = TAG_END.exec(text);
    if (closing) {
      if (open.length >= MAXIMUM_DEPTH) {
        throw new MoraineError("LimitExceeded", `elements deeper than ${MAXIMUM_DEPTH}`, { offset: at });
      }
      handler.open(name, attributes);
      if (closing[1] === "/") handler.close(name);
      else open.push(name);
      return TAG_END.lastIndex;
    }
    ATTRIBUTE.lastIndex = end;
    const match = ATTRIBUTE.exec(text);
    const key = match?.[1];
    if (match === null || key === undefined || attributes.has(key)) {
      throw text.indexOf(">", end) < 0
        ? new MoraineError("TruncatedFile", `the document ends within the tag <${name}>`, {
            offset: text.length,
          })
        : malformed(text, end, `an attribute of <${name}> that is not well-formed, or twice there`);
    }
    const value = match[2] ?? match[3] ?? "";
    // Attribute-value normalization (section 3.3.3): white space as it is written becomes blanks.
    attributes.set(key, resolved(text, end, value.replace(/[\t\r\n]/g, " ")));
    end = ATTRIBUTE.lastIndex;
  }
}

function characters(text: string, start: number, end: number, inside: boolean, handler: XmlHandler): void {
  const part = text.slice(start, end);
  if (!inside) {
    if (/[^ \t\r\n]/.test(part)) throw malformed(text, start, "text outside of the root element");
    return;
  }
  if (part.includes("]]>")) throw malformed(text, start, '"]]>" in text');
  handler.text(resolved(text, start, part));
}

/** References to characters and entities as what they stand for. */
function resolved(text: string, at: number, part: string): string {
  allowed(text, at, part);
  const plain = part.includes("\r") ? part.replace(/\r\n?/g, "\n") : part;
  if (!plain.includes("&")) return plain;
  return plain.replace(REFERENCE, (whole, decimal?: string, hexadecimal?: string, entity?: string) => {
    if (entity !== undefined) {
      const known = ENTITIES.get(entity);
      if (known !== undefined) return known;
    }
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal);
    const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    if (!isCharacter || FORBIDDEN.test(String.fromCodePoint(code))) {
      throw malformed(text, at, `"${whole}" stands for no character`);
    }
    return String.fromCodePoint(code);
  });
}

function allowed(text: string, at: number, part: string): string {
  if (FORBIDDEN.test(part)) throw malformed(text, at, "a character that XML does not allow");
  return part;
}

function afterComment(text: string, at: number): number {
  const stop = endOf(text, "--", at + 2);
  if (text[stop + 2] !== ">") throw malformed(text, stop, '"--" in a comment');
  return stop + 3;
}

function endOf(text: string, mark: string, at: number): number {
  const found = text.indexOf(mark, at + 2);
  if (found >= 0) return found;
  throw new MoraineError("TruncatedFile", `the document ends before "${mark}"`, { offset: text.length });
}

function malformed(text: string, at: number, why: string): MoraineError {
  let line = 1;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1)) line += 1;
  return new MoraineError("InvalidMetadata", `line ${line}: ${why}`);
}

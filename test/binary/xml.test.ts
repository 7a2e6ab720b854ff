import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeXml, parseXml } from "../../src/binary/xml.ts";
import { isMoraineError } from "../../src/errors.ts";

function eventsOf(text: string): string[] {
  const events: string[] = [];
  parseXml(text, {
    open: (name, attributes) =>
      events.push(`<${name}${[...attributes].map(([key, value]) => ` ${key}=${value}`).join("")}>`),
    text: (part) => events.push(part),
    close: (name) => events.push(`</${name}>`),
  });
  return events;
}

describe("XML", () => {
  it("is told as elements, attributes and text", () => {
    const text = `<?xml version="1.0"?>\r\n<!-- a > comment --><a x = "1" y='"&lt;&#x20AC;&#8364;'>1 &amp; 2<b/><![CDATA[<&]]>\r\n</a >\n<?end?>`;
    expect(eventsOf(text)).toEqual(['<a x=1 y="<€€>', "1 & 2", "<b>", "</b>", "<&", "\n", "</a>"]);
  });

  it("is read in the encoding that it declares", () => {
    const latin = Uint8Array.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e9\u0085</a>', (c) =>
      c.charCodeAt(0),
    );
    expect(eventsOf(decodeXml(latin))).toEqual(["<a>", "é\u0085", "</a>"]);
    expect(eventsOf(decodeXml(new TextEncoder().encode("\uFEFF<a>é</a>")))).toEqual(["<a>", "é", "</a>"]);
    expect(() => decodeXml(Uint8Array.of(0x3c, 0xff))).toThrowError(
      expect.objectContaining({ code: "InvalidMetadata" }),
    );
    expect(() =>
      decodeXml(new TextEncoder().encode('<?xml version="1.0" encoding="klingon"?><a/>')),
    ).toThrowError(expect.objectContaining({ code: "InvalidMetadata" }));
  });

  it.each([
    ["an end tag of another element", "<a><b></a></b>"],
    ["an attribute twice", '<a x="1" x="2"/>'],
    ["an attribute without quotes", "<a x=1/>"],
    ["attributes without a blank between", '<a x="1"y="2"/>'],
    ["a less-than sign in an attribute", '<a x="<"/>'],
    ["an entity that is not declared", "<a>&nbsp;</a>"],
    ["a bare ampersand", "<a>a & b</a>"],
    ["a character that is none", "<a>&#0;</a>"],
    ["half a surrogate pair", "<a>&#xD800;</a>"],
    ["a control character", "<a>\u0001</a>"],
    ["the end of a CDATA section in text", "<a>]]></a>"],
    ["two hyphens in a comment", "<!-- a -- b --><a/>"],
    ["a document type declaration", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ["text after the root", "<a/>b"],
    ["a second root", "<a/><b/>"],
    ["nothing", ""],
    ["a tag without a name", "<a>< b/></a>"],
  ])("with %s is refused", (_, text) => {
    expect(() => eventsOf(text)).toThrowError(expect.objectContaining({ code: "InvalidMetadata" }));
  });

  it.each(["<a>", "<a", "<a x='1", "<a><!-- ", "<a><![CDATA[ ", "<?xml "])(
    "that ends too early is truncated: %s",
    (text) => {
      expect(() => eventsOf(text)).toThrowError(expect.objectContaining({ code: "TruncatedFile" }));
    },
  );

  it("of any depth does not exhaust the stack", () => {
    expect(() => eventsOf("<a>".repeat(100_000))).toThrowError(
      expect.objectContaining({ code: "LimitExceeded" }),
    );
  });

  it("of any characters is events or an error with a code", () => {
    const part = fc.constantFrom(
      "<a>",
      "</a>",
      "<b x='",
      "'",
      '"',
      "=",
      " y",
      "/>",
      ">",
      "&amp;",
      "&",
      ";",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "<?p",
      "?>",
      "text",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        try {
          const events = eventsOf(parts.join(""));
          expect(events.filter((event) => event.startsWith("</")).length).toBeGreaterThan(0);
        } catch (error) {
          if (!isMoraineError(error)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });
});

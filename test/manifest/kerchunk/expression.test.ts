import { describe, expect, it } from "vitest";
import { evaluate, type Scope } from "../../../src/manifest/kerchunk/expression.ts";
import { generateReferences, Templates } from "../../../src/manifest/kerchunk/templates.ts";

const scope: Scope = {
  variable: (name) => ({ i: 3, word: "ab" })[name],
  call: (name, parameters) => (name === "f" ? `<${parameters.get("c")}>` : undefined),
};

describe("expressions", () => {
  it.each([
    ["(i + 1) * 1000", 4000],
    ["-i ** 2 + 1", -8],
    ["7 // 2 - 7 % 2", 2],
    ["-7 % 3", 2],
    ["'%03d' % i", "003"],
    ["word + '.nc'", "ab.nc"],
    ["f(c='x y')", "<x y>"],
    ["f(c=i)", "<3>"],
  ])("%s", (text, value) => {
    expect(evaluate(text, scope)).toBe(value);
  });

  it.each([
    "i +",
    "(i",
    "nothing",
    "i i",
    "1 / 0",
    "g(c=1)",
    "i.__class__",
    "word * 2",
    "'a' - 1",
    "((((".repeat(20),
  ])("refuses %s", (text) => {
    expect(() => evaluate(text, scope)).toThrowError(expect.objectContaining({ code: "InvalidMetadata" }));
  });
});

describe("templates", () => {
  it("call each other, and never without end", () => {
    const templates = new Templates({
      a: "s3://{{b}}/{{c}}",
      b: "bucket",
      c: "{{b}}-{{n}}",
      loop: "{{loop}}",
    });
    expect(templates.render("{{a}}/x", new Map([["n", 7]]))).toBe("s3://bucket/bucket-7/x");
    expect(() => templates.render("{{loop}}")).toThrowError(
      expect.objectContaining({ code: "InvalidMetadata" }),
    );
  });
});

describe("generators", () => {
  const generate = (generator: object) => [...generateReferences([{ ...generator }], new Templates({}))];

  it("count through their dimensions, the last one fastest", () => {
    const references = generate({
      key: "k/{{i}}.{{j}}",
      url: "u{{j}}",
      dimensions: { i: { start: 1, stop: 6, step: 2 }, j: ["a", 5] },
    });
    expect(references.map(({ key, url }) => `${key} ${url}`)).toEqual([
      "k/1.a ua",
      "k/1.5 u5",
      "k/3.a ua",
      "k/3.5 u5",
      "k/5.a ua",
      "k/5.5 u5",
    ]);
    expect(references[0]?.range).toBeUndefined();
  });

  it.each([
    ["an offset without a length", { key: "k", url: "u", offset: "1", dimensions: {} }],
    ["a step of zero", { key: "k", url: "u", dimensions: { i: { stop: 2, step: 0 } } }],
    ["no key", { url: "u", dimensions: {} }],
  ])("refuse %s", (_, generator) => {
    expect(() => generate(generator)).toThrowError(expect.objectContaining({ code: "InvalidMetadata" }));
  });

  it("are bounded", () => {
    const huge = { key: "k", url: "u", dimensions: { i: { stop: 1e5 }, j: { stop: 1e5 } } };
    expect(() => generate(huge)).toThrowError(expect.objectContaining({ code: "LimitExceeded" }));
  });
});

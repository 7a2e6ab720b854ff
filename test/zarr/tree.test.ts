import { expect, test } from "vitest";
import { type GroupNode, type WalkOptions, walkNodes, type ZarrNode } from "../../src/zarr/tree.ts";

function group(children: Map<string, ZarrNode>, links: readonly string[] = []): GroupNode {
  const identity = {};
  return {
    kind: "group",
    attributes: {},
    identity,
    links: new Set(links),
    child: async (name) => children.get(name),
    children: async () => children,
  };
}

async function pathsOf(root: GroupNode, options: WalkOptions = {}): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walkNodes(root, options)) paths.push(path);
  return paths;
}

test("a group is walked under each of its paths, or once, by hard links first", async () => {
  const inner = group(new Map());
  const shared = group(new Map([["inner", inner]]));
  const root = group(
    new Map([
      ["soft", shared],
      ["hard", shared],
      ["again", shared],
    ]),
    ["soft"],
  );
  expect(await pathsOf(root)).toEqual(["soft", "soft/inner", "hard", "hard/inner", "again", "again/inner"]);
  expect(await pathsOf(root, { once: true })).toEqual(["hard", "hard/inner"]);
});

test("a group inside of itself is walked once", async () => {
  const children = new Map<string, ZarrNode>();
  const root = group(new Map([["a", group(children)]]));
  children.set("root", root);
  children.set("b", group(new Map([["back", root]])));
  expect(await pathsOf(root)).toEqual(["a", "a/b"]);
});

test("exponentially many paths end", async () => {
  let node = group(new Map());
  for (let level = 0; level < 60; level++) {
    node = group(
      new Map([
        ["left", node],
        ["right", node],
      ]),
    );
  }
  const paths = await pathsOf(node);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.length).toBeLessThan(250_000);
  expect((await pathsOf(node, { once: true })).length).toBe(60);
});

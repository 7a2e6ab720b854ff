import { expect, it } from "vitest";
import * as portable from "../src/index.ts";
import * as node from "../src/node.ts";

it("exports these names and no others", () => {
  expect(Object.keys(portable).sort()).toMatchInlineSnapshot(`
    [
      "BASIC_CONFLICT_SOLVER",
      "CONFLICT_DETECTOR",
      "Group",
      "Location",
      "MoraineError",
      "RebaseError",
      "Repository",
      "StorageRouter",
      "ZARRITA_ROOT",
      "ZarrArray",
      "ZarrStore",
      "ZarritaStorage",
      "ZarritaStore",
      "ZipStorage",
      "blame",
      "check",
      "compact",
      "consolidateMetadata",
      "coordinates",
      "create",
      "createArray",
      "createGroup",
      "get",
      "index",
      "isMoraineError",
      "materialize",
      "open",
      "openLocation",
      "parseConditions",
      "readRaw",
      "refresh",
      "replace",
      "rewrite",
      "root",
      "set",
      "slice",
      "store",
      "verify",
      "writeRaw",
    ]
  `);
});

it("is the same for Node", () => {
  expect(Object.keys(node).sort()).toEqual(Object.keys(portable).sort());
});

import { expect, it } from "vitest";
import * as portable from "../src/index.ts";
import * as node from "../src/node.ts";

it("exports these names and no others", () => {
  expect(Object.keys(portable).sort()).toMatchInlineSnapshot(`
    [
      "BASIC_CONFLICT_SOLVER",
      "CONFLICT_DETECTOR",
      "Group",
      "JOIN_POLICY",
      "Location",
      "ManifestBuilder",
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
      "concatenateArrays",
      "concatenateManifests",
      "consolidateMetadata",
      "coordinates",
      "create",
      "createArray",
      "createGroup",
      "filterEntries",
      "get",
      "index",
      "insertAxis",
      "isMoraineError",
      "materialize",
      "mergeManifests",
      "open",
      "openLocation",
      "parseConditions",
      "readRaw",
      "refresh",
      "removeAxis",
      "renameLocations",
      "replace",
      "rewrite",
      "root",
      "selectChunks",
      "set",
      "slice",
      "sliceArray",
      "splitChunks",
      "stackArrays",
      "store",
      "subChunkShape",
      "takeChunks",
      "verify",
      "writeRaw",
    ]
  `);
});

it("is the same for Node", () => {
  expect(Object.keys(node).sort()).toEqual(Object.keys(portable).sort());
});

import { expect, it } from "vitest";
import { ChangeSet } from "../../src/icechunk/changes/change-set.ts";
import { arrayContent } from "../../src/icechunk/changes/node-content.ts";
import { WorkingTree } from "../../src/icechunk/changes/working-tree.ts";
import { statusOf } from "../../src/icechunk/diff.ts";
import { ReferenceBuilder } from "../../src/icechunk/format/reference-builder.ts";
import { RepositoryFiles } from "../../src/icechunk/repository-files.ts";
import { byteArray, newRepository } from "./repositories.ts";

it("changes of more chunks than can be told one by one are an error, before any is told", async () => {
  const repository = await newRepository();
  const files = new RepositoryFiles(repository.address, repository.storage);
  const tree = new WorkingTree(await files.snapshot(await repository.lookupBranch("main")), new ChangeSet());
  const gridShape = [40_000_000];
  tree.create("/a", arrayContent(byteArray(gridShape)));
  // Places alone: nothing looks at the other columns.
  const none = new ReferenceBuilder(0).finish(gridShape, new Float64Array(0));
  tree.changes.chunksOf(tree.array("/a")).setMany({ ...none, count: 40_000_000, positions: undefined });
  expect(() => statusOf(tree)).toThrow(expect.objectContaining({ code: "LimitExceeded" }));
});

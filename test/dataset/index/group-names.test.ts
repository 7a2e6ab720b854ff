import { expect, it } from "vitest";
import { groupNames } from "../../../src/dataset/index/group-names.ts";

it("takes the names of the files without their endings", () => {
  expect(groupNames(["file:///data/a.nc", "s3://bucket/b.2020.h5", "https://host/c.nc?token=1"])).toEqual([
    "a",
    "b.2020",
    "c",
  ]);
});

it("numbers files of one name, in their order", () => {
  expect(groupNames(["file:///x/a.nc", "file:///y/a.h5", "file:///z/a.nc"])).toEqual(["a", "a-2", "a-3"]);
});

it("decodes names, and gives another to what no node may be called", () => {
  expect(groupNames(["file:///data/a%20b.nc", "file:///data/...nc"])).toEqual(["a b", "source"]);
});

import { expect, it } from "vitest";
import { byteArray, chunk, newRepository } from "./repositories.ts";

it("a commit tells of the chunks that expired ones before it wrote, each once", async () => {
  const repository = await newRepository();
  const session = await repository.writableSession();
  session.createArray("/a", byteArray([4]));
  await session.commit("an array");
  for (const chunks of [[2, 0], [0], [3, 0]]) {
    const writing = await repository.writableSession();
    for (const at of chunks) await writing.setChunk("/a", [at], chunk(at));
    await writing.commit(`chunks ${chunks}`);
  }
  await repository.expireSnapshots({ olderThan: new Date(Date.now() + 60_000) });
  const written: unknown[] = [];
  for await (const { entry, chunks, made } of (await repository.readonlySession()).writings(["/a"])) {
    const { count, coordinates } = chunks.get("/a") ?? {};
    written.push([entry.message, count, coordinates && [...coordinates], [...made]]);
  }
  expect(written.slice(0, 1)).toEqual([["chunks 3,0", 3, [0, 2, 3], ["/a"]]]);
  expect(written.slice(1)).toEqual([[expect.any(String), undefined, undefined, []]]);
});

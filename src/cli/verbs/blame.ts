/**
 * `moraine blame`: which commit last wrote chunks, and from what.
 *
 * @module
 */

import { blame as blameChunks, type ChunkOrigin } from "../../dataset/replace/blame.ts";
import { openRepository } from "../repository-words.ts";
import { parseSelection } from "../selection-text.ts";
import type { Verb } from "../verb.ts";

export const blame: Verb = {
  name: "blame",
  synopsis: "REPOSITORY PATH",
  summary: "For each chunk that a selection touches: the commit that last wrote it, and where its bytes are.",
  options: [
    { name: "select", value: "SELECTION", help: 'a part: "time=0,lat=10:20" or "0,10:20"' },
    { name: "branch", value: "NAME", help: "default main" },
  ],
  positionals: { minimum: 2, maximum: 2 },
  examples: ['moraine blame archive.icechunk /sst --select "time=0"'],
  async run(words, context) {
    const [, path = ""] = words.positionals;
    const select = words.text("select");
    const branch = words.text("branch");
    const repository = await openRepository(words, context);
    const origins = await blameChunks(repository, path, {
      signal: context.signal,
      ...(select !== undefined && { selection: parseSelection(select) }),
      ...(branch !== undefined && { branch }),
    });
    for (const origin of origins) {
      await context.print(words.flag("json") ? JSON.stringify(originToJson(origin)) : originToText(origin));
    }
    return 0;
  },
};

function originToJson({ snapshot, ...place }: ChunkOrigin) {
  return {
    ...place,
    ...(snapshot && {
      snapshot: snapshot.id,
      time: snapshot.time.toISOString(),
      message: snapshot.message,
    }),
  };
}

function originToText({ coordinates, kind, location, offset, length, snapshot }: ChunkOrigin): string {
  const commit = snapshot
    ? `${snapshot.id}  ${snapshot.time.toISOString()}  ${snapshot.message}`
    : "before the history begins";
  const place = location === undefined ? "" : `  ${location}  ${offset}+${length}`;
  return `${coordinates.join("/") || "-"}  ${kind}  ${commit}${place}`;
}

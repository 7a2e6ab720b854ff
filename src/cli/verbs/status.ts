/**
 * `moraine status`: what a repository is, and whether it takes changes.
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import type { Amount, StorageStatistics } from "../../icechunk/upkeep/storage-statistics.ts";
import { formatBytes, formatCount } from "../progress.ts";
import { openRepository } from "../repository-words.ts";
import { UsageError, type Verb } from "../verb.ts";

export const status: Verb = {
  name: "status",
  synopsis: "REPOSITORY",
  summary:
    "Version, refs, settings and whether the repository takes changes; --storage counts what it holds.",
  options: [
    { name: "storage", help: "count files, chunks and bytes; reads every manifest" },
    { name: "set", value: "STATE", help: "online, or read-only for everybody" },
    { name: "reason", value: "TEXT", help: "why, with --set" },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: [
    "moraine status archive.icechunk",
    'moraine status archive.icechunk --set read-only --reason "moving"',
  ],
  async run(words, context) {
    const wanted = words.text("set");
    if (wanted !== undefined && wanted !== "online" && wanted !== "read-only") {
      throw new UsageError("--set takes online or read-only");
    }
    const repository = await openRepository(words, context);
    const { signal } = context;
    if (wanted !== undefined) await repository.setStatus(wanted, { reason: words.text("reason"), signal });
    const now = await repository.status({ signal });
    const config = await repository.config({ signal });
    const document = {
      address: repository.address,
      specification: await repository.specVersion({ signal }),
      availability: now.availability,
      reason: now.reason ?? null,
      branches: Object.fromEntries(await repository.listBranches({ signal })),
      tags: Object.fromEntries(await repository.listTags({ signal })),
      containers: config.virtualChunkContainers?.map(({ urlPrefix }) => urlPrefix) ?? [],
      metadata: await repository.metadata({ signal }),
      feature_flags: Object.fromEntries(
        (await repository.featureFlags({ signal })).map(({ name, enabled }) => [name, enabled]),
      ),
    };
    const storage = words.flag("storage") ? await repository.storageStatistics({ signal }) : undefined;
    if (words.flag("json")) {
      await context.print(
        stringifyJson({ ...document, ...(storage && { storage: storageToJson(storage) }) }),
      );
      return 0;
    }
    const reason = document.reason === null ? "" : ` (${document.reason})`;
    await context.print(
      `${document.address}: Icechunk ${document.specification}, ${document.availability}${reason}`,
    );
    for (const [name, id] of Object.entries(document.branches))
      await context.print(`  branch ${name}  ${id}`);
    for (const [name, id] of Object.entries(document.tags)) await context.print(`  tag ${name}  ${id}`);
    for (const prefix of document.containers) await context.print(`  virtual chunks below ${prefix}`);
    if (storage) {
      for (const [kind, { count, bytes }] of Object.entries(storage.chunks)) {
        await context.print(`  ${kind} chunks: ${formatCount(count)}, ${formatBytes(bytes)}`);
      }
      for (const [kind, { count, bytes }] of Object.entries(storage.files)) {
        await context.print(`  files of ${kind}: ${formatCount(count)}, ${formatBytes(bytes)}`);
      }
    }
    return 0;
  },
};

function storageToJson({ files, chunks }: StorageStatistics): JsonObject {
  return { files: amountsToJson(files), chunks: amountsToJson(chunks) };
}

function amountsToJson(amounts: { readonly [kind: string]: Amount }): JsonObject {
  return Object.fromEntries(
    Object.entries(amounts).map(([kind, { count, bytes }]) => [kind, { count, bytes }]),
  );
}

// Does to a repository what it is told by lines of JSON on standard input, and answers by lines on standard output:
// one of the two who take turns in icechunk-turns.py and icechunk-conflicts.py.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { Repository } from "../../dist/icechunk/repository.js";
import { FileStorage } from "../../dist/storage/file/file-storage.js";

const storage = new FileStorage();
const sessions = new Map();
const open = ({ address, authorize = [] }) => Repository.open(storage, address, { authorize });

/** What everybody must see the same. */
async function stateOf(command) {
  const repository = await open(command);
  const branches = Object.fromEntries(await repository.listBranches());
  const tags = Object.fromEntries(await repository.listTags());
  const ancestry = {};
  const keys = {};
  for (const name of Object.keys(branches)) {
    ancestry[name] = [];
    for await (const { id, parentId, flushedAt, message, metadata } of repository.ancestry({
      branch: name,
    })) {
      ancestry[name].push([id, parentId ?? null, flushedAt, message, metadata]);
    }
    keys[name] = await keysOf(await repository.readonlySession({ branch: name }));
  }
  const operations = [];
  for await (const { operation, updatedAt } of repository.operations())
    operations.push([operation.kind, updatedAt]);
  const { findings } = await repository.fsck();
  const wrong = findings.filter(({ severity }) => severity === "error");
  return { branches, tags, ancestry, keys, operations, metadata: await repository.metadata(), wrong };
}

async function keysOf(session) {
  const keys = {};
  const { store } = session;
  for await (const key of store.list()) {
    const bytes = await store.get(key);
    keys[key] = `${bytes.length}:${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`;
  }
  return keys;
}

/** One change of a session. */
async function edit(session, { kind, path, ...change }) {
  switch (kind) {
    case "document":
      session.setDocument(path, Buffer.from(change.document));
      break;
    case "delete":
      session.delete(path);
      break;
    case "chunk":
      await session.setChunk(path, change.coordinates, Uint8Array.from(Buffer.from(change.bytes, "base64")));
      break;
    case "virtual":
      await session.setReferences(
        path,
        {
          gridShape: change.coordinates.map(() => 1),
          count: 1,
          locations: [change.location],
          versions: [undefined],
          offsets: Float64Array.of(change.offset),
          lengths: Float64Array.of(change.length),
          inline: new Map(),
        },
        { at: change.coordinates },
      );
      break;
    case "delete chunk":
      await session.deleteChunks(path, [change.coordinates]);
      break;
    case "shift":
      await session.shift(path, change.offset);
      break;
    case "move":
      session.move(path, change.to);
      break;
    default:
      throw new Error(`no edit "${kind}"`);
  }
}

const policyOf = ({ policy }) =>
  policy && {
    onChunkConflict: policy,
    failOnDeleteOfUpdatedArray: policy === "fail",
    failOnDeleteOfUpdatedGroup: policy === "fail",
  };

const COMMANDS = {
  state: stateOf,
  async begin(command) {
    const repository = await open(command);
    const begin = command.rearrange ? "rearrangeSession" : "writableSession";
    sessions.set(command.session, await repository[begin](command.branch));
  },
  async edit({ session, edits }) {
    for (const change of edits) await edit(sessions.get(session), change);
  },
  async keys({ session }) {
    return keysOf(sessions.get(session));
  },
  async commit(command) {
    const { session, method = "commit", message, metadata } = command;
    const id = await sessions.get(session)[method](message, { metadata, rebase: policyOf(command) });
    sessions.delete(session);
    return id;
  },
  async rebase(command) {
    await sessions.get(command.session).rebase(policyOf(command));
  },
  diff: async (command) =>
    (await open(command))
      .diff({ snapshotId: command.from }, { snapshotId: command.to })
      .then((diff) => ({ ...diff, updatedChunks: Object.fromEntries(diff.updatedChunks) })),
  createBranch: async (command) => (await open(command)).createBranch(command.name, command.snapshot),
  deleteBranch: async (command) => (await open(command)).deleteBranch(command.name),
  resetBranch: async (command) => (await open(command)).resetBranch(command.name, command.snapshot),
  createTag: async (command) => (await open(command)).createTag(command.name, command.snapshot),
  deleteTag: async (command) => (await open(command)).deleteTag(command.name),
  setMetadata: async (command) => (await open(command)).setMetadata(command.metadata),
  expire: async (command) =>
    (
      await (
        await open(command)
      ).expireSnapshots({
        olderThan: new Date(command.time / 1000),
        deleteExpiredBranches: command.deleteRefs,
        deleteExpiredTags: command.deleteRefs,
      })
    ).released.length,
  collect: async (command) =>
    (await open(command)).garbageCollect({ olderThan: new Date(Date.now() + 1000) }),
  create: async ({ address, containers = [], pageSize }) => {
    await Repository.create(storage, address, {
      config: {
        inlineChunkThresholdBytes: 12,
        updatesPerRepoFile: pageSize,
        virtualChunkContainers: containers.map((urlPrefix) => ({ urlPrefix })),
      },
    });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await COMMANDS[command](rest)) ?? null };
  } catch (error) {
    answer = {
      error: {
        code: error.code ?? "Crash",
        message: error.message,
        conflicts: error.conflicts,
        stack: error.code ? undefined : error.stack,
      },
    };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

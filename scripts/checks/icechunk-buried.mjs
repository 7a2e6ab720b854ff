// moraine and the official client commit to one local folder at the same time. The official client replaces `repo` blindly
// there, so that commits of both are lost; every lost commit of moraine's must be named by the check, and be put back.
// usage: node scripts/checks/icechunk-buried.mjs PYTHON [COMMITS]
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Repository } from "../../dist/icechunk/repository.js";
import { FileStorage } from "../../dist/storage/file/file-storage.js";

const [python = "python3", count = "40"] = process.argv.slice(2);
const OFFICIAL = `
import icechunk, random, sys, time, zarr
icechunk.set_logs_filter("error")
repository = icechunk.Repository.open(icechunk.local_filesystem_storage(sys.argv[1]))
for number in range(int(sys.argv[2])):
    # Else it would leave no time for the commits that it is to overwrite.
    time.sleep(random.uniform(0, 0.02))
    session = repository.writable_session("main")
    zarr.create_group(session.store, path=f"official-{number}")
    session.commit(f"official {number}", rebase_with=icechunk.ConflictDetector(), rebase_tries=1000)
`;
const folder = await mkdtemp(join(tmpdir(), "moraine-buried-"));
const path = join(folder, "repository");
const storage = new FileStorage();
let passed = false;
try {
  const repository = await Repository.create(storage, pathToFileURL(path).href);
  const root = await repository.writableSession();
  root.createGroup("/");
  await root.commit("root");
  const official = spawn(python, ["-W", "ignore", "-c", OFFICIAL, path, count], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = new Promise((done) => official.on("exit", done));
  const ours = new Map();
  let running = true;
  ended.then(() => {
    running = false;
  });
  for (let number = 0; running; number++) {
    const session = await repository.writableSession("main");
    session.createGroup(`/ours-${number}`);
    try {
      ours.set(await session.commit(`ours ${number}`, { rebase: true }), number);
    } catch (error) {
      // The commit that the session began with was buried: begun anew.
      if (error.code !== "Conflict") throw error;
    }
  }
  await ended;
  const inHistory = new Set();
  for await (const { id } of repository.ancestry()) inHistory.add(id);
  const buried = [...ours.keys()].filter((id) => !inHistory.has(id));
  const named = new Set((await repository.lostCommits()).map(({ snapshotId }) => snapshotId));
  const unnamed = buried.filter((id) => !named.has(id));
  let restored = 0;
  for (const id of buried) {
    if (!(await repository.lostCommits()).some(({ snapshotId }) => snapshotId === id)) {
      restored += 1;
      continue;
    }
    await repository.restoreLostCommit(id, `rescued-${id}`);
    const session = await repository.readonlySession({ branch: `rescued-${id}` });
    if (session.node(`/ours-${ours.get(id)}`)?.kind === "group") restored += 1;
  }
  const wrong = (await repository.fsck()).findings.filter(({ severity }) => severity === "error");
  console.log(
    `${ours.size} commits of ours beside ${count} of the official client: ${buried.length} of ours buried, ` +
      `${buried.length - unnamed.length} named, ${restored} put back, ${wrong.length} findings left`,
  );
  for (const { message } of wrong.slice(0, 5)) console.log(`  ${message}`);
  passed = unnamed.length === 0 && restored === buried.length && wrong.length === 0 && ours.size > 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(passed ? "1 passed, 0 failed" : "0 passed, 1 failed");
process.exitCode = passed ? 0 : 1;

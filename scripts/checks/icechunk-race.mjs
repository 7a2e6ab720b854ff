// Several processes commit to one branch of a repository in a local folder. Every commit that was acknowledged must be
// in the history with its chunk, and the repository must be whole afterwards.
// usage: node scripts/checks/icechunk-race.mjs [PROCESSES] [COMMITS] [ADDRESS]
// With an s3:// address of an empty folder the race is run there (AWS_ENDPOINT_URL and the like say where that is).
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Repository } from "../../dist/icechunk/repository.js";
import { StorageRouter } from "../../dist/storage/router.js";
import { parseArrayMetadata } from "../../dist/zarr/metadata-v3.js";
import "../../dist/node.js";

const storage = new StorageRouter();

/** One of the processes: commits its own chunks, one a commit. */
async function work(address, worker, commits) {
  const repository = await Repository.open(storage, address);
  for (let commit = 0; commit < commits; commit++) {
    const session = await repository.writableSession("main");
    await session.setChunk("/data", [worker, commit], Uint8Array.of(worker, commit, 1, 2));
    await session.commit(`${worker}/${commit}`, { rebase: true });
  }
}

async function main(processes, commits, elsewhere) {
  const folder = await mkdtemp(join(tmpdir(), "moraine-race-"));
  const address = elsewhere ?? pathToFileURL(join(folder, "repository")).href;
  try {
    const repository = await Repository.create(storage, address);
    const session = await repository.writableSession("main");
    const metadata = parseArrayMetadata({
      zarr_format: 3,
      node_type: "array",
      shape: [processes, 4 * commits],
      data_type: "uint8",
      chunk_grid: { name: "regular", configuration: { chunk_shape: [1, 4] } },
      chunk_key_encoding: { name: "default" },
      fill_value: 0,
      codecs: [{ name: "bytes" }],
    });
    session.createArray("/data", metadata);
    await session.commit("array");
    const started = performance.now();
    const workers = Array.from({ length: processes }, (_, worker) =>
      fork(fileURLToPath(import.meta.url), ["--worker", address, String(worker), String(commits)]),
    );
    const codes = await Promise.all(workers.map((worker) => new Promise((done) => worker.on("exit", done))));
    const seconds = (performance.now() - started) / 1000;
    const messages = [];
    for await (const { message } of repository.ancestry()) messages.push(message);
    const found = new Set(messages);
    const lost = [];
    const read = (await repository.readonlySession()).store;
    for (let worker = 0; worker < processes; worker++) {
      for (let commit = 0; commit < commits; commit++) {
        if (!found.has(`${worker}/${commit}`)) lost.push(`commit ${worker}/${commit}`);
        const bytes = await read.get(`data/c/${worker}/${commit}`);
        if (bytes?.join() !== `${worker},${commit},1,2`) lost.push(`chunk ${worker}/${commit}`);
      }
    }
    const wrong = (await repository.fsck()).findings.filter(({ severity }) => severity === "error");
    console.log(
      `${processes} processes × ${commits} commits in ${seconds.toFixed(1)} s: ${messages.length - 2} in the history, ` +
        `${lost.length} lost, ${wrong.length} findings of fsck, exit codes ${codes.join(" ")}`,
    );
    for (const item of [...lost, ...wrong.map(({ message }) => message)].slice(0, 20))
      console.log(`  ${item}`);
    return (
      lost.length + wrong.length === 0 &&
      messages.length === processes * commits + 2 &&
      codes.every((code) => code === 0)
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--worker") await work(rest[0], Number(rest[1]), Number(rest[2]));
else {
  const passed = await main(Number(first ?? 8), Number(rest[0] ?? 50), rest[1]);
  console.log(passed ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = passed ? 0 : 1;
}

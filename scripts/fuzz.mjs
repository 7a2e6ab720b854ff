// Mutated files of every structure: each is refused with a code or read within bounds, in under a second and 256 MB.
//
//   npm run fuzz -- [--seconds 60] [--seed N] [--files FOLDER] [--compare] [--workers N] [--case FILE:SEED]
//
// Files are those of test/data, or of another folder (up to 512 KB each). With --compare, what is read is also compared with
// what libhdf5 (h5wasm) reads from the same damaged bytes: values that differ are wrong. What is found is written to
// fuzz-failures/, named after its seed, and makes the exit status 1.
import { fork } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    files: { type: "string", default: join(root, "test/data") },
    compare: { type: "boolean", default: false },
    workers: { type: "string", default: "1" },
    case: { type: "string" },
  },
});
/** A worker that says nothing for so long hangs. */
const HANG = 30_000;
const LARGEST_FILE = 512 * 1024;
const NAMES = /\.(h5|hdf5|hdf|he5|nc|nc4|cdf|h5ad|nwb|mat)(\.gz)?$/;

const files = readdirSync(flags.files, { recursive: true })
  .map((name) => join(flags.files, String(name)))
  .filter((path) => NAMES.test(path) && statSync(path).isFile() && statSync(path).size <= LARGEST_FILE)
  .sort();
if (files.length === 0) throw new Error(`no files in ${flags.files}`);
const firstSeed = flags.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(flags.seed);
const deadline = Date.now() + Number(flags.seconds) * 1000;
let cases = 0;
let refused = 0;
let compared = 0;
let nextSeed = firstSeed;
const failures = [];

function fail(kind, { path, seed }, text, bytes) {
  failures.push(kind);
  console.log(
    `${kind}: ${relative(root, path)} seed ${seed}\n  ${text.split("\n").slice(0, 6).join("\n  ")}`,
  );
  if (bytes === undefined) return;
  mkdirSync(join(root, "fuzz-failures"), { recursive: true });
  const name = path.split("/").at(-1).replace(/\.gz$/, "");
  writeFileSync(join(root, "fuzz-failures", `${kind}-${seed}-${name}`), Buffer.from(bytes, "base64"));
}

/** One worker at a time for each slot; a worker that dies or hangs is followed by another. */
function run() {
  return new Promise((resolve) => {
    const worker = fork(join(root, "scripts/fuzz-worker.mjs"), [], {
      execArgv: ["--max-old-space-size=256"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    let current;
    let stage = "";
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => worker.kill("SIGKILL"), HANG);
    };
    const end = (another) => {
      clearTimeout(timer);
      worker.removeAllListeners("exit");
      worker.kill();
      resolve(another);
    };
    const give = () => {
      if (Date.now() >= deadline || (flags.case && cases > 0)) {
        end(false);
        return;
      }
      const seed = nextSeed++;
      const [path, only] = flags.case?.match(/^(.*):(\d+)$/)?.slice(1) ?? [];
      current = path ? { path, seed: Number(only) } : { path: files[seed % files.length], seed };
      stage = "read";
      watch();
      worker.send({ ...current, compare: flags.compare });
    };
    worker.on("message", (message) => {
      if (message.stage) {
        stage = message.stage;
        watch();
        return;
      }
      cases += 1;
      refused += message.refused ? 1 : 0;
      compared += message.compared;
      for (const { kind, text, bytes } of message.failures) fail(kind, current, text, bytes);
      if (message.last) end(true);
      else give();
    });
    worker.on("exit", (code, signal) => {
      clearTimeout(timer);
      // The library may crash over what it is given; that is its own matter.
      if (stage !== "library")
        fail(signal === "SIGKILL" ? "hang" : "crash", current, `exit ${code ?? signal}`);
      cases += 1;
      resolve(true);
    });
    give();
  });
}

async function slot() {
  while (await run());
}

await Promise.all(Array.from({ length: Number(flags.workers) }, slot));
console.log(
  `${cases} damaged files from ${files.length} (seeds from ${firstSeed}): ${refused} refused as a whole, ` +
    `${compared} arrays compared with libhdf5, ${failures.length} failures`,
);
process.exitCode = failures.length > 0 ? 1 : 0;

// An index of many files that is killed (SIGKILL) at random moments, and resumed with its journal, must give the same
// references as an undisturbed one.
// usage: node scripts/checks/resume.mjs [FILES] [KILLS] [SEED]
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [files = 500, kills = 20, seed = 1] = process.argv.slice(2).map(Number);
const moraine = fileURLToPath(new URL("../../bin/moraine.js", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "moraine-resume-"));
const target = join(folder, "resumed.icechunk");
const journal = join(folder, "journal");

let state = seed >>> 0;
/** Mulberry32: a number from 0 to 1. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** A CDF-1 file (NetCDF classic format specification): `time` of one double, `v` of time × 8 × 8 floats, records. */
function classicFile(day) {
  const parts = [];
  const int = (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    parts.push(bytes);
  };
  const text = (value) => {
    int(value.length);
    parts.push(Buffer.from(value.padEnd(Math.ceil(value.length / 4) * 4, "\0")));
  };
  const dimensions = [
    ["time", 0],
    ["y", 8],
    ["x", 8],
  ];
  const units = "days since 2000-01-01";
  const variable = (name, axes, attribute, type, size, begin) => {
    text(name);
    int(axes.length);
    axes.forEach(int);
    int(12);
    int(1);
    text("units");
    int(2);
    text(attribute);
    int(type);
    int(size);
    int(begin);
  };
  const header = (begin) => {
    parts.length = 0;
    parts.push(Buffer.from("CDF\x01", "latin1"));
    int(1);
    int(10);
    int(dimensions.length);
    for (const [name, length] of dimensions) {
      text(name);
      int(length);
    }
    int(0);
    int(0);
    int(11);
    int(2);
    variable("time", [0], units, 6, 8, begin);
    variable("v", [0, 1, 2], "K", 5, 256, begin + 8);
    return Buffer.concat(parts);
  };
  const record = Buffer.alloc(8 + 256);
  record.writeDoubleBE(day, 0);
  for (let cell = 0; cell < 64; cell++) record.writeFloatBE(day + cell / 64, 8 + cell * 4);
  return Buffer.concat([header(header(0).length), record]);
}

function command(to, ...more) {
  return [moraine, "index", ...sources, "--concat", "time", "--to", to, ...more];
}

/** Runs until it ends, or is killed after some milliseconds. */
function run(words, after) {
  return new Promise((done) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
    const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      done(signal ?? code);
    });
  });
}

const records = () =>
  (existsSync(journal) ? readdirSync(journal, { recursive: true }) : []).filter((name) =>
    name.endsWith(".scan"),
  ).length;
const contents = (address, verb) =>
  execFileSync(process.execPath, [moraine, verb, address, "--json"], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });

const plain = join(folder, "plain.icechunk");
/** Digests and references, without the random names of native chunks. */
const told = (address) =>
  ["digest", "refs"].map((verb) =>
    contents(address, verb)
      .replaceAll(address, "")
      .replace(/chunks\/[0-9A-Z]{20}/g, "chunks/…"),
  );
const isSame = () => told(target).join() === told(plain).join();

const sources = [];
try {
  await mkdir(join(folder, "archive"));
  for (let day = 0; day < files; day++) {
    const path = join(folder, "archive", `day-${String(day).padStart(6, "0")}.nc`);
    await writeFile(path, classicFile(day));
    sources.push(path);
  }
  const started = performance.now();
  if ((await run(command(plain))) !== 0) throw new Error("the undisturbed index failed");
  const whole = performance.now() - started;
  const seen = [];
  let ended = 0;
  for (let kill = 0; kill < kills; kill++) {
    const how = await run(command(target, "--journal", journal), 50 + random() * whole);
    seen.push(records());
    if (how === "SIGKILL") continue;
    // It was quicker than the kill, or than the one before, which came after the commit: begin again from nothing.
    if (!isSame()) throw new Error(`a resumed index ended with ${how}, and is not the same`);
    ended += 1;
    await rm(target, { recursive: true });
    await rm(journal, { recursive: true });
  }
  // The commit may have been made just before a kill: then there is nothing left to do.
  const last = await run(command(target, "--journal", journal));
  const same = isSame();
  console.log(
    `records after each kill: ${seen.join(" ")}; ${ended} runs ended before their kill; the last: ${last}`,
  );
  console.log(
    `${files} files, ${kills} kills, undisturbed ${(whole / 1000).toFixed(1)} s: ${same ? "the same" : "NOT the same"}`,
  );
  process.exitCode = same ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

// Joins the built modules into a few files for Node, `dist/bundle/`: five hundred modules take 0.2 s to load one by one.
// Browsers' bundlers get the modules themselves (`dist/index.js`). Packages that moraine depends on stay outside.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const built = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
const folder = built("bundle");

/** Where Node begins: the library, the command, and the threads, which are found by name beside their caller. */
const ENTRIES = {
  node: built("node.js"),
  engine: built("cli/engine.js"),
  command: built("cli/main.js"),
  "scan-worker": built("dataset/node/scan-worker.js"),
  "library-worker": built("dataset/node/library-worker.js"),
  "decoding-worker": built("codecs/node/decoding-worker.js"),
};

rmSync(folder, { recursive: true, force: true });
const bundle = await rolldown({
  input: ENTRIES,
  platform: "node",
  external: (name) => !name.startsWith(".") && !name.startsWith("/") && !/^[A-Za-z]:/.test(name),
  // A module that some load at once and some later is loaded at once.
  checks: { ineffectiveDynamicImport: false },
});
// One level below `dist`, as the modules are: what they find beside the package is found from here too.
await bundle.write({
  dir: folder,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();

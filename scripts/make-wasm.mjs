// Compiles wasm/*.ts (AssemblyScript) to the modules that are committed as src/codecs/blosc/*-module.ts and so on:
//
//   node scripts/make-wasm.mjs [--check]
//
// --check compares instead of writing. The compiler is fetched when this runs: nobody else needs it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPILER = "assemblyscript@0.28.20";
/** What is compiled, with the files in a folder of the same name, and where it goes. */
const MODULES = {
  "wasm/blosc-block.ts": "src/codecs/blosc/block-module.ts",
  "wasm/inflate.ts": "src/codecs/inflate-module.ts",
  "wasm/zstd.ts": "src/codecs/zstd-decoder-module.ts",
};
const OPTIONS = [
  "-O3",
  "--runtime",
  "stub",
  "--enable",
  "simd,bulk-memory",
  "--initialMemory",
  "1",
  "--noAssert",
];
const WIDTH = 100;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "moraine-wasm-"));
try {
  for (const [source, target] of Object.entries(MODULES)) {
    const parts = source.replace(/\.ts$/, "");
    const files = existsSync(join(root, parts))
      ? readdirSync(join(root, parts)).map((name) => `${parts}/${name}`)
      : [];
    const text = [source, ...files.sort()].map((name) => readFileSync(join(root, name), "utf8")).join("");
    const file = join(folder, `${basename(source, ".ts")}.wasm`);
    const words = ["--yes", "--package", COMPILER, "--", "asc", source, "-o", file, ...OPTIONS];
    execFileSync("npm", ["exec", ...words], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    const lines =
      readFileSync(file)
        .toString("base64")
        .match(new RegExp(`.{1,${WIDTH}}`, "g")) ?? [];
    const module = [
      `/**\n * What ${COMPILER} makes of ${source}; \`node scripts/make-wasm.mjs\` wrote this file.\n *\n * @module\n */\n`,
      `/** SHA-256 of the source${files.length > 0 ? ", and of its parts behind it" : ""}. */`,
      `export const SOURCE = "${createHash("sha256").update(text).digest("hex")}";\n`,
      "/** The module, in base64. */",
      `export const MODULE: string = [\n${lines.map((line) => `  "${line}",`).join("\n")}\n].join("");\n`,
    ].join("\n");
    if (!process.argv.includes("--check")) writeFileSync(join(root, target), module);
    else if (readFileSync(join(root, target), "utf8") !== module)
      throw new Error(`${target} is another module`);
    console.log(`${source}: ${readFileSync(file).length} bytes`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

// Runs the portable build in headless Chromium, from native modules: opens NetCDF files and an Icechunk repository that
// lie on another host, reads slices and whole arrays, and compares them with what netCDF4-python read (expected.json).
// Fails where no Chromium is found; CHROMIUM names another than the usual ones. Debian: apt-get install chromium
// usage: node scripts/checks/browser.mjs        (after npm run build)
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { get, index, open, Repository } from "../../dist/node.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const data = join(root, "test/data/demo");
const expected = JSON.parse(await readFile(join(data, "expected.json"), "utf8"));
const executablePath = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path && existsSync(path));
if (!executablePath) {
  console.error("no Chromium was found: apt-get install chromium, or name one in CHROMIUM");
  process.exit(1);
}

/** Where a package's module for browsers lies; what a bundler or a CDN would choose. */
async function entryOf(name) {
  const manifest = JSON.parse(await readFile(join(root, "node_modules", name, "package.json"), "utf8"));
  const pick = (target) => {
    if (typeof target === "string") return target;
    for (const condition of ["browser", "import", "default"]) {
      if (target?.[condition] !== undefined) return pick(target[condition]);
    }
    return undefined;
  };
  const main = manifest.exports?.["."] ?? manifest.exports;
  return `/node_modules/${name}/${(pick(main) ?? manifest.module ?? manifest.main).replace(/^\.\//, "")}`;
}

const own = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const imports = { moraine: own.exports["."].browser.replace(/^\./, "") };
for (const name of Object.keys(own.dependencies)) {
  // Not for browsers without a bundler, and loaded only for s3:// addresses.
  if (name !== "@aws-sdk/client-s3") imports[name] = await entryOf(name);
}
const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;

const TYPES = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};
const requests = [];

/** Files below a folder; `fallback` adds the endings that module resolution adds. */
function serveFolder(folder, { fallback = false, cors = undefined } = {}) {
  return listen(async (request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`);
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    if (fallback && path === "/") return response.writeHead(200, { "content-type": "text/html" }).end(page);
    const file = join(folder, path);
    const candidates = fallback ? [file, `${file}.js`, `${file}/index.js`] : [file];
    for (const candidate of candidates) {
      const bytes = await readFile(candidate).catch(() => undefined);
      if (bytes === undefined) continue;
      // Imports without an ending, as bundlers resolve them: what is imported there is relative to the file's own place.
      if (candidate !== file) {
        return response
          .writeHead(302, { location: candidate.slice(folder.length), "content-length": 0 })
          .end();
      }
      const headers = { "content-type": TYPES[extname(candidate)] ?? "application/octet-stream", ...cors };
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      if (!range) return response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
      const [first, end] = [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)];
      if (first >= bytes.length) {
        return response.writeHead(416, { ...headers, "content-range": `bytes */${bytes.length}` }).end();
      }
      const part = bytes.subarray(first, end);
      const said = {
        "content-range": `bytes ${first}-${end - 1}/${bytes.length}`,
        "content-length": part.length,
      };
      return response.writeHead(206, { ...headers, ...said }).end(part);
    }
    response.writeHead(404, { ...cors, "content-length": 0 }).end();
  });
}

async function listen(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

let failed = 0;
function check(what, found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a === b) return console.log(`ok: ${what}`);
  failed += 1;
  console.log(`FAILED: ${what}: found ${a}, expected ${b}`);
}

/** In the page: arrays of a source as SHA-256, and a slice. */
async function readInPage(address, names, sliced) {
  const { open, get, slice } = await import("moraine");
  const group = await open(address);
  const hashes = {};
  for (const name of names) {
    const { data: values } = await get(await group.array(name));
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    hashes[name] = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const part = await get(await group.array(sliced), { time: 1, lat: slice(3, 6), lon: slice(0, 30, 10) });
  return { hashes, part: Array.from(part.data, Number), shape: part.shape };
}

const cors = { "access-control-allow-origin": "*" };
const exposed = {
  ...cors,
  "access-control-expose-headers": "Content-Range, Content-Length, ETag, Last-Modified",
};
const folder = await mkdtemp(join(tmpdir(), "moraine-browser-"));
const servers = await Promise.all([
  serveFolder(root, { fallback: true }),
  serveFolder(data, { cors: exposed }),
  serveFolder(folder, { cors: exposed }),
  serveFolder(data, { cors }),
]);
const [app, files, repositories, hiding] = servers;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
try {
  // A repository with virtual chunks on one host and native ones on another.
  const target = join(folder, "sst.icechunk");
  await index(`${files.url}/sst-2020.nc`, target, {});
  const repository = await Repository.open(target);
  const session = await repository.writableSession("main");
  const array = await session.array("sst");
  const values = (await get(await (await open(join(data, "sst-2020.nc"))).array("sst"))).data;
  await array.set([0, null, null], values.slice(0, 600));
  await session.commit("one native chunk");

  const tab = await browser.newPage();
  tab.on("pageerror", (error) => console.log(`page: ${error.message}`));
  tab.on(
    "console",
    (message) =>
      message.type() === "error" && !/404/.test(message.text()) && console.log(`page: ${message.text()}`),
  );
  await tab.goto(app.url);
  const at = ([t, y, x]) => Number(values[(t * 20 + y) * 30 + x]);
  const part = [3, 4, 5].flatMap((y) => [0, 10, 20].map((x) => at([1, y, x])));
  const hashesOf = (name, variables) =>
    Object.fromEntries(variables.map((variable) => [variable, expected[name][variable].sha256]));
  const all = ["time", "lat", "lon", "sst"];

  for (const [what, address] of [
    ["a NetCDF-4 file over HTTP", `${files.url}/sst-2020.nc`],
    ["a NetCDF-4 file from a host that hides Content-Range", `${hiding.url}/sst-2020.nc`],
    ["an Icechunk repository over HTTP", `${repositories.url}/sst.icechunk`],
  ]) {
    const found = await tab.evaluate(
      `(${readInPage})(${JSON.stringify(address)}, ${JSON.stringify(all)}, "sst")`,
    );
    check(what, found.hashes, hashesOf("sst-2020.nc", all));
    check(`${what}: a slice`, [found.shape, found.part], [[3, 3], part]);
  }
  const classic = await tab.evaluate(
    `(${readInPage})(${JSON.stringify(`${files.url}/sst-classic.nc`)}, ${JSON.stringify(all)}, "sst")`,
  );
  check("a classic NetCDF file over HTTP", classic.hashes, hashesOf("sst-classic.nc", all));
  check(
    "no request that asked for permission first",
    requests.filter((line) => line.startsWith("OPTIONS")),
    [],
  );
  check(
    "Node's modules in the page",
    requests.filter((line) => /node:|client-s3/.test(line)),
    [],
  );
} finally {
  await browser.close();
  for (const { server } of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true });
}
console.log(failed === 0 ? "the browser reads what Node reads" : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("../../scripts/checks/browser.mjs", import.meta.url));
const BUILT = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const there = [process.env["CHROMIUM"], ...browsers].some((path) => path !== undefined && existsSync(path));

// Continuous integration runs the script itself, which fails where no Chromium is.
it("reads NetCDF files and an Icechunk repository in Chromium", { timeout: 120_000 }, async (test) => {
  if (!there) return test.skip("no Chromium was found: apt-get install chromium, or name one in CHROMIUM");
  if (!existsSync(BUILT)) return test.skip("there is no build: npm run build");
  const { stdout } = await run(process.execPath, [SCRIPT]);
  expect(stdout).toContain("the browser reads what Node reads");
  expect(stdout).not.toContain("FAILED");
});

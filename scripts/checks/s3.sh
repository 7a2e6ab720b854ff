#!/usr/bin/env bash
# A real S3 service (Ceph, started and stopped here): the conformance suite of storages, then indexing, reading, commits,
# concurrent commits, expiry and garbage collection through s3:// addresses, and the official client on what came of it.
# usage: scripts/checks/s3.sh SHARED [PYTHON]       (after npm run build)
# Needs the server: apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$(cd "${1:?folder of s3-server.sh}" && pwd) python=${2:-}
command -v radosgw >/dev/null || { echo "no radosgw: apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw"; exit 1; }

folder=$(mktemp -d)/ceph port=${S3_PORT:-7490}
trap 'bash "$shared/tools/s3-server.sh" stop "$folder"; rm -rf "$(dirname "$folder")"' EXIT
endpoint=$(bash "$shared/tools/s3-server.sh" start "$folder" "$port" | tail -n 1)
export AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1
export AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true
moraine() { node bin/moraine.js "$@"; }

node --input-type=module -e '
  import { readFile } from "node:fs/promises";
  import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
  import { S3Storage } from "./dist/storage/s3/s3-storage.js";
  const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "check" }));
  const storage = new S3Storage();
  for (const name of ["sst-2020.nc", "sst-classic.nc"])
    await storage.write(`s3://check/archive/${name}`, await readFile(`test/data/demo/${name}`));
'
echo "== conformance"
MORAINE_TEST_S3=s3://check/conformance/ npx vitest run test/storage/conformance.test.ts -t "S3 at" --reporter=dot | grep -E "Tests|FAIL|Error" 

echo "== index and read"
digests() { moraine digest "$1" --json | node -e '
  const lines = require("fs").readFileSync(0, "utf8").trim().split("\n").map(JSON.parse);
  for (const { path, value, error } of lines.sort((a, b) => (a.path < b.path ? -1 : 1))) console.log(path, JSON.stringify(value ?? error));'; }
moraine index s3://check/archive/sst-2020.nc --to s3://check/sst.icechunk
same() { [ "$(digests "$1")" = "$(digests "$2")" ] || { echo "$1 and $2 differ"; digests "$1"; exit 1; }; echo "$1 holds what $2 holds"; }
same s3://check/archive/sst-classic.nc test/data/demo/sst-classic.nc
same s3://check/sst.icechunk test/data/demo/sst-2020.nc

echo "== commits, expiry, garbage"
node --input-type=module -e '
  import { get, Repository } from "./dist/node.js";
  const repository = await Repository.open("s3://check/sst.icechunk");
  for (let i = 0; i < 3; i++) {
    const session = await repository.writableSession("main");
    const sst = await session.array("sst");
    await sst.set([0, null, null], (await get(sst, [0, null, null])).data);
    await session.commit(`the same again ${i}`);
  }
'
moraine expire s3://check/sst.icechunk --older-than 0m
sleep 2
moraine gc s3://check/sst.icechunk --older-than 0m
moraine fsck s3://check/sst.icechunk
same s3://check/sst.icechunk test/data/demo/sst-2020.nc

echo "== concurrent commits"
node scripts/checks/icechunk-race.mjs 4 10 s3://check/race.icechunk

echo "== campaigns of many processes, while others read"
node scripts/checks/campaign-race.mjs 40 s3://check/campaigns.icechunk "$python"

if [ -n "$python" ]; then
  echo "== the official client"
  "$python" - <<'PYTHON'
import os, netCDF4, icechunk, numpy, zarr
icechunk.set_logs_filter("error")
keys = dict(endpoint_url=os.environ["AWS_ENDPOINT_URL"], allow_http=True, region="us-east-1", force_path_style=True)
login = icechunk.s3_static_credentials(access_key_id="test", secret_access_key="testsecret")
storage = icechunk.s3_storage(bucket="check", prefix="sst.icechunk", access_key_id="test", secret_access_key="testsecret", **keys)
found = icechunk.Repository.fetch_config(storage)
config = icechunk.RepositoryConfig.default()
config.set_virtual_chunk_container(icechunk.VirtualChunkContainer("s3://check/archive/", icechunk.s3_store(s3_compatible=True, **keys)))
repository = icechunk.Repository.open(storage, config, authorize_virtual_chunk_access=icechunk.containers_credentials({"s3://check/archive/": login}))
group = zarr.open_group(repository.readonly_session("main").store, mode="r")
with netCDF4.Dataset("test/data/demo/sst-2020.nc") as file:
    file.set_auto_maskandscale(False)
    for name, array in group.arrays():
        numpy.testing.assert_array_equal(array[...], file[name][...], err_msg=name)
        print("the same:", name)
PYTHON
fi

"""Small files that trip other indexers, read through moraine by the official clients: each case must be right, or refused
where it may be.

usage: python scripts/checks/hard-cases.py HARD_CASES

HARD_CASES writes the files and judges: python HARD_CASES OUT --moraine COMMAND prints a table of verdicts.
"""

import os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# A single HDF5 string of variable length is text to this judge, and bytes to the corpus's expected values (h5py gives
# bytes): it is stored as bytes, which every client reads, with the attribute that makes xarray give text.
DISPUTED = {"vlen_strings"}
MAY_REFUSE = re.compile(r"^(concat|append)_")

with tempfile.TemporaryDirectory() as folder:
    command = f"node {os.path.join(HERE, '..', '..', 'bin', 'moraine.js')}"
    done = subprocess.run([sys.executable, sys.argv[1], folder, "--moraine", command], capture_output=True, text=True)
verdicts = dict(re.findall(r"^\| (\w+) \| (.+?) \|$", done.stdout, re.MULTILINE))
verdicts = {case: verdict for case, verdict in verdicts.items() if case not in ("case", "total")}
bad = {
    case: verdict
    for case, verdict in verdicts.items()
    if verdict != "right" and case not in DISPUTED and not (verdict == "refused" and MAY_REFUSE.match(case))
}
for case, verdict in bad.items():
    print(f"{case}: {verdict}")
if not verdicts:
    print(done.stdout[-2000:], done.stderr[-2000:])
print(f"{sum(verdict == 'right' for verdict in verdicts.values())} of {len(verdicts)} cases right, {len(bad)} bad")
sys.exit(1 if bad or len(verdicts) < 40 else 0)

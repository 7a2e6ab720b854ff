"""Every array and its metadata of a corpus of real files against what the C libraries read: nothing wrong, nothing missing.

usage: python scripts/checks/corpus.py CHECK_CORPUS

CHECK_CORPUS judges: python CHECK_CORPUS --moraine COMMAND --metadata --report FILE writes a verdict a line.
"""

import json, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

with tempfile.TemporaryDirectory() as folder:
    report = os.path.join(folder, "report")
    command = f"node {os.path.join(HERE, '..', '..', 'bin', 'moraine.js')}"
    subprocess.run([sys.executable, sys.argv[1], "--moraine", command, "--metadata", "--report", report, "--show", "40"])
    with open(report) as lines:
        verdicts = [json.loads(line) for line in lines]
bad = [row for row in verdicts if row["verdict"] not in ("right", "refused")]
refused = sum(row["verdict"] == "refused" for row in verdicts)
print(f"{len(verdicts)} checks, {refused} refused, {len(bad)} bad")
sys.exit(1 if bad or refused * 1000 > len(verdicts) or len(verdicts) < 20000 else 0)

"""Reads entries of an export of a range with PyPI aics-tlog, each proven against the checkpoint.

usage: range.py EXPORT; prints the indexes that the entries of its range say

The library proves an entry by the tiles above it, which a range holds. The command `aics-tlog
verify-inclusion` also reads neighbouring tiles of the lowest level, which it does not hold.
"""

import json
import sys
from pathlib import Path

import aics_tlog as tlog
from aics_tlog.verified import VerifiedTileReader

export = Path(sys.argv[1])
[vkey] = [line[4:] for line in (export / "policy").read_text().splitlines() if line.startswith("log ")]
key = tlog.parse_vkey(vkey)
note = tlog.parse_note((export / "checkpoint").read_bytes())
signed = tlog.verify_checkpoint(note, key, expected_origin=key.name)
if not signed.ok:
    sys.exit(f"aics-tlog: {signed.error}")
scope = json.loads((export / "scope").read_text())
reader = VerifiedTileReader(tlog.FileSystemTileReader(export), signed.size, signed.root)
entries = [json.loads(reader.entry(index)) for index in range(scope["from"], scope["through"] + 1)]
print(entries[0]["index"], entries[-1]["index"])

"""Checks with PyPI aics-tlog that a checkpoint is signed by its log and cosigned by witnesses.

usage: cosigned.py NOTE LOG-VKEY WITNESS-VKEY...; prints the size
"""

import sys
from pathlib import Path

import aics_tlog as tlog

path, log, *witnesses = sys.argv[1:]
key = tlog.parse_vkey(log)
note = tlog.parse_note(Path(path).read_bytes())
keys = [tlog.parse_vkey(witness) for witness in witnesses]
result = tlog.verify_checkpoint(note, key, keys, len(keys), expected_origin=key.name, max_age_seconds=600)
if not result.ok:
    sys.exit(f"not cosigned by all: {result.error}")
print(result.size)

"""Checks one signed checkpoint with PyPI aics-tlog under each of several keys.

usage: keys.py CHECKPOINT VKEYS, files; prints for each line of VKEYS whether it signed
"""

import sys
from pathlib import Path

try:
    import aics_tlog as tlog
except ImportError as error:
    sys.exit(
        f"this test needs a package that is not there ({error}): "
        "pip install cryptography && pip install --ignore-requires-python --no-deps aics-tlog==0.2.1"
    )

note = tlog.parse_note(Path(sys.argv[1]).read_bytes())
for line in Path(sys.argv[2]).read_text().splitlines():
    key = tlog.parse_vkey(line)
    result = tlog.verify_checkpoint(note, key, expected_origin=key.name)
    print("signed" if result.ok else "not signed")

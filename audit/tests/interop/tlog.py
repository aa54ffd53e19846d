"""Checks an export with PyPI aics-tlog: checkpoint, every tile and bundle, proofs of inclusion for
every entry, and that it continues an older export of the same ledger.

usage: tlog.py OLDER NEWER; prints sizes of both, and tiles and bundles of the newer
"""

import sys
from pathlib import Path

try:
    import aics_tlog as tlog
    from aics_tlog.verified import VerifiedTileReader, audit_tiles
except ImportError as error:
    sys.exit(
        f"this test needs a package that is not there ({error}): "
        "pip install cryptography && pip install --ignore-requires-python --no-deps aics-tlog==0.2.1"
    )


def vkey(export):
    [line] = [line for line in Path(export, "policy").read_text().splitlines() if line.startswith("log ")]
    return tlog.parse_vkey(line.removeprefix("log "))


def checkpoint(export):
    key = vkey(export)
    note = tlog.parse_note(Path(export, "checkpoint").read_bytes())
    result = tlog.verify_checkpoint(note, key, expected_origin=key.name)
    if not result.ok:
        sys.exit(f"{export}: {result.error}")
    return result


older, newer = sys.argv[1:]
old, new = checkpoint(older), checkpoint(newer)
files = tlog.FileSystemTileReader(newer)
report = audit_tiles(files, new.size, new.root)

reader = VerifiedTileReader(files, new.size, new.root)
for index in range(new.size):
    proof = tlog.inclusion_proof_from_tiles(reader, index, new.size)
    if not tlog.verify_leaf_inclusion(reader.entry(index), index, new.size, proof, new.root):
        sys.exit(f"entry {index} is not included")

proof = tlog.consistency_proof_from_tiles(reader, old.size, new.size)
if not tlog.verify_consistency(old.size, new.size, old.root, new.root, proof):
    sys.exit(f"the tree of {new.size} entries does not continue that of {old.size}")
print(old.size, new.size, report.tiles, report.bundles)

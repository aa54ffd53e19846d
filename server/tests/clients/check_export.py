"""Checks an export by programs that nobody here wrote.

check_export.py DIRECTORY [VKEY]: without VKEY the key is the one in the export's own policy, which
shows only that the export fits itself. PyPI aics-tlog checks signature, tree and entries; PyPI
rfc8785 writes each entry again and must get the same bytes. Exit 1 if something does not fit.
"""

import json
import sys
from pathlib import Path

import aics_tlog
import rfc8785
from aics_tlog.tiles import FileSystemTileReader, read_entry


def main(directory, vkey=None):
    root = Path(directory)
    policy = dict(line.split(" ", 1) for line in (root / "policy").read_text().splitlines() if line)
    key = aics_tlog.parse_vkey(vkey or policy["log"])
    note = aics_tlog.parse_note((root / "checkpoint").read_bytes())
    verified = aics_tlog.verify_checkpoint(note, key, expected_origin=key.name)
    if not verified.ok:
        sys.exit(f"aics-tlog: {verified.error}")
    checkpoint = aics_tlog.parse_checkpoint(note.text)
    print(f"aics-tlog: the checkpoint of {checkpoint.size} entries is signed by {key.name}")

    reader = FileSystemTileReader(root)
    try:
        aics_tlog.audit_tiles(reader, checkpoint.size, checkpoint.root)
    except (aics_tlog.TileMissingError, aics_tlog.TileVerificationError) as error:
        sys.exit(f"aics-tlog: {error}")
    print("aics-tlog: all tiles and entries give the root that it signs")

    for index in range(checkpoint.size):
        entry = read_entry(reader, index, checkpoint.size)
        if rfc8785.dumps(json.loads(entry)) != entry:
            sys.exit(f"rfc8785: entry {index} is not canonical")
    print(f"rfc8785: {checkpoint.size} entries are canonical, byte for byte")


main(*sys.argv[1:])

"""Writes every entry of an export anew with PyPI rfc8785 and wants the same bytes.

usage: canonical.py EXPORT; prints the number of entries
"""

import json
import sys
from pathlib import Path

try:
    import rfc8785
except ImportError:
    sys.exit("this test needs a package that is not there: pip install rfc8785")


def entries(bundle):
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        yield bundle[2 : 2 + length]
        bundle = bundle[2 + length :]


def bundles(export):
    folder = Path(export, "tile/entries")
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


count = 0
for bundle in bundles(sys.argv[1]):
    for entry in entries(bundle.read_bytes()):
        again = rfc8785.dumps(json.loads(entry))
        if again != entry:
            sys.exit(f"{bundle}: {entry!r} is not canonical, that would be {again!r}")
        count += 1
print(count)

"""What schemathesis holds every answer against, and values for our scalars.

A refusal is a good answer to a made-up question; a fault, or a word about how the server is made, is not.
"""

import re

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

# Paths, SQL, panics, and names of what the server is made of.
INTERNALS = re.compile(
    r"\.rs\b|/src/|/home/|/root/|/tmp/|panicked|RUST_BACKTRACE|sqlx|async[-_]graphql|tokio|axum|hyper"
    r"|sealrock_(access|audit|commands|domain|eventstore|graphql|ingest|ledger|projections)"
    r"|\bSELECT .* FROM\b|\bINSERT INTO\b|pg_catalog|\brm_[a-z]+\.|sqlstate|duplicate key|violates|relation \"",
)

TEXT = st.text(max_size=40)
TEXTS = {
    "Date": st.dates().map(str),
    "DateTime": st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "Position": TEXT,
    "UUID": st.uuids().map(str),
}
for name, values in TEXTS.items():
    schemathesis.graphql.scalar(name, (values | TEXT).map(nodes.String))
COUNTS = st.integers(min_value=-1, max_value=2**64)
schemathesis.graphql.scalar("Count", COUNTS.map(nodes.Int))


@schemathesis.check
def no_fault(ctx, response, case):
    assert response.status_code < 500, f"status {response.status_code}"
    text = response.text
    found = INTERNALS.search(text)
    assert not found, f"the answer tells {found.group()!r}: {text[:500]}"
    for error in (response.json().get("errors") or []) if text else []:
        extensions = error.get("extensions") or {}
        assert extensions.get("code") not in (None, "INTERNAL"), f"a fault: {error}"
        assert isinstance(extensions.get("retryable"), bool), f"an error that says no retryable: {error}"

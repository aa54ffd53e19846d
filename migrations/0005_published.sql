-- What is shown to the outside: the checkpoints that were published, with the cosignatures of
-- witnesses and a timestamp, and accounts that may read and nothing else.

SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

-- A published checkpoint stays published. Lines of witnesses who came late, and the timestamp, are
-- added to its row: they prove themselves, so nothing rests on who wrote them here.
CREATE TABLE published (
    ledger_id    integer     NOT NULL,
    size         bigint      NOT NULL,
    note         text        NOT NULL,  -- the signed note of `checkpoints`, and the cosignatures
    timestamp    bytea,                 -- RFC 3161 TimeStampResp, DER, over the note without cosignatures
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ledger_id, size)
);
GRANT SELECT, INSERT, UPDATE ON published TO sealrock_app;

ALTER TABLE access.accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE access.accounts ADD CONSTRAINT accounts_role_check CHECK (role IN ('admin', 'auditor'));

-- The migrator goes on in the same transaction, as itself.
RESET search_path;
RESET ROLE;

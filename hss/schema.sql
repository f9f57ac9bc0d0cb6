-- SPDX-License-Identifier: BSD-3-Clause
-- The subscriber store, version 5 (PRAGMA user_version). Lists inside one column stand one entry per line.

CREATE TABLE meta ( -- see store_meta.c
        name  TEXT PRIMARY KEY,
        value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_profile ( -- shared by any number of IMPUs
        id       INTEGER PRIMARY KEY,
        name     TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL DEFAULT 1,
        document TEXT -- an IMSSubscription whose one ServiceProfile gives criteria; NULL: no criteria
) STRICT;

INSERT INTO service_profile (id, name) VALUES (1, 'default');

CREATE TABLE subscription (
        id                    INTEGER PRIMARY KEY,
        reassign              INTEGER NOT NULL DEFAULT 0, -- the next MAR or SAR may name another S-CSCF
        registration_allowed  INTEGER NOT NULL DEFAULT 1,
        unregistered_services INTEGER NOT NULL DEFAULT 0,
        scscf_name            TEXT, -- SIP URI; NULL: none assigned
        scscf_host            TEXT, -- Diameter identity of that S-CSCF, for RTR and PPR
        scscf_realm           TEXT,
        visited               TEXT, -- networks allowed; NULL: every one
        mandatory             TEXT, -- capabilities an S-CSCF must have
        optional              TEXT, -- capabilities it should have
        server_names          TEXT, -- S-CSCFs recommended in Server-Capabilities
        charging              TEXT, -- four lines: ECF 1, ECF 2, CCF 1, CCF 2
        loose_route           INTEGER, -- Loose-Route-Indication; NULL: not sent
        priviledged_sender    INTEGER  -- Priviledged-Sender-Indication; NULL: not sent
) STRICT;

CREATE TABLE impi ( -- exactly one credential each
        id           INTEGER PRIMARY KEY,
        subscription INTEGER NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
        seq          INTEGER NOT NULL DEFAULT 0, -- highest SEQ given out (TS 33.102 C.1.1.1)
        ind_cs       INTEGER NOT NULL DEFAULT 0, -- IND given out last, per domain
        ind_ps       INTEGER NOT NULL DEFAULT 0,
        ind_ims      INTEGER NOT NULL DEFAULT 0,
        scheme       INTEGER NOT NULL DEFAULT 0 CHECK (scheme BETWEEN 0 AND 3), -- AKA, Digest, NBA, GIBA
        algorithm    INTEGER NOT NULL DEFAULT 0 CHECK (algorithm BETWEEN 0 AND 1), -- Milenage, TUAK
        amf          INTEGER NOT NULL DEFAULT 32768,
        iterations   INTEGER NOT NULL DEFAULT 1, -- TUAK: Keccak iterations
        res_octets   INTEGER NOT NULL DEFAULT 8,
        impi         TEXT NOT NULL UNIQUE,
        imsi         TEXT UNIQUE,
        msisdn       TEXT UNIQUE,
        credential   BLOB, -- sealed: K, OPc and, where it was given, OP; or H(A1) of digest_algorithm
        digest_realm TEXT,
        line_ids     TEXT, -- NBA: Line-Identifier
        digest_algorithm INTEGER NOT NULL DEFAULT 0 CHECK (digest_algorithm BETWEEN 0 AND 1) -- MD5, SHA-256
) STRICT;

CREATE INDEX impi_subscription ON impi (subscription);

CREATE TABLE implicit_set ( -- implicit registration set: its identities change state together
        id           INTEGER PRIMARY KEY,
        subscription INTEGER NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
        state        INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2) -- not registered, registered, unregistered
) STRICT;

CREATE INDEX implicit_set_subscription ON implicit_set (subscription);

CREATE TABLE impu (
        id           INTEGER PRIMARY KEY,
        implicit_set INTEGER NOT NULL REFERENCES implicit_set (id) ON DELETE CASCADE,
        profile      INTEGER NOT NULL REFERENCES service_profile (id),
        position     INTEGER NOT NULL, -- order in the set; the first that is not barred is the default identity
        type         INTEGER NOT NULL DEFAULT 0 CHECK (type BETWEEN 0 AND 4), -- enum profile_identity_type
        barred       INTEGER NOT NULL DEFAULT 0,
        alias_group  INTEGER,
        impu         TEXT NOT NULL UNIQUE, -- canonical
        display_name TEXT,
        as_name      TEXT -- PSI: application server for direct routing
) STRICT;

CREATE INDEX impu_set ON impu (implicit_set, position);
CREATE INDEX impu_wildcard ON impu (id) WHERE type IN (2, 4);

CREATE TABLE registration ( -- which IMPI may use which set, and how they stand
        impi         INTEGER NOT NULL REFERENCES impi (id) ON DELETE CASCADE,
        implicit_set INTEGER NOT NULL REFERENCES implicit_set (id) ON DELETE CASCADE,
        registered   INTEGER NOT NULL DEFAULT 0,
        pending      INTEGER NOT NULL DEFAULT 0, -- authentication pending
        PRIMARY KEY (impi, implicit_set)
) STRICT, WITHOUT ROWID;

CREATE INDEX registration_set ON registration (implicit_set);

CREATE TABLE restoration ( -- SCSCF-Restoration-Info, restoration.h
        impi         INTEGER NOT NULL,
        implicit_set INTEGER NOT NULL,
        data         BLOB NOT NULL,
        PRIMARY KEY (implicit_set, impi),
        FOREIGN KEY (impi, implicit_set) REFERENCES registration (impi, implicit_set) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE push ( -- what the S-CSCF of an IMPI is to be told; the row goes when it was, or cannot be told
        impi     INTEGER PRIMARY KEY REFERENCES impi (id) ON DELETE CASCADE,
        change   INTEGER NOT NULL, -- a later change has another number
        password INTEGER NOT NULL, -- PPR with H(A1)
        ending   INTEGER NOT NULL CHECK (ending BETWEEN 0 AND 2), -- RTR after it: none, SERVER_CHANGE, PERMANENT_TERMINATION
        since_s  INTEGER NOT NULL  -- seconds since 1970
) STRICT;

CREATE TABLE removed ( -- whose registration its S-CSCF is still to end; the row goes when it was told, or cannot be
        id         INTEGER PRIMARY KEY,
        impi       TEXT NOT NULL,
        since_s    INTEGER NOT NULL, -- seconds since 1970
        scscf_name TEXT NOT NULL, -- as in subscription
        scscf_host TEXT NOT NULL,
        scscf_realm TEXT
) STRICT;

CREATE TABLE device ( -- a certificate that may fetch the credentials of one IMPI by bootstrapping
        id          INTEGER PRIMARY KEY,
        impi        INTEGER NOT NULL UNIQUE REFERENCES impi (id) ON DELETE CASCADE,
        subject     TEXT NOT NULL UNIQUE, -- RFC 2253
        fingerprint TEXT UNIQUE, -- SHA-256 of the certificate in hex; NULL: of the first one that comes
        pinned      INTEGER NOT NULL, -- it was provisioned, and is not the first one that came
        given       INTEGER NOT NULL DEFAULT 0, -- how often credentials were handed out
        refused     INTEGER NOT NULL DEFAULT 0, -- how often they were not
        last_s      INTEGER, -- seconds since 1970 of the last time they were
        blocked     TEXT -- why it gets nothing (misuse was seen); NULL: it is not blocked
) STRICT;

"""The steps that bring a database up to date: an append-only list, each step in a transaction of its own.

Loaded only when a database needs a step, since sqlite-utils costs more to import than all else here.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from monitor.store import search

migrations = Migrations("hooktop")


@migrations()
def m001_captures_and_readings(db: Database) -> None:
    """What arrived, what it means, how many of each verdict, and the public keys that were fetched."""
    db.execute(
        """
        CREATE TABLE captures (
            id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, source TEXT NOT NULL,
            method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, peer TEXT, token INTEGER, answer INTEGER,
            headers BLOB NOT NULL, body BLOB NOT NULL
        )
        """
    )
    db.execute(
        """
        CREATE TABLE readings (
            id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
            digest INTEGER NOT NULL, provider TEXT NOT NULL,
            verdict TEXT NOT NULL, reason TEXT NOT NULL, scheme TEXT, key TEXT, near_miss TEXT, age_s REAL,
            event TEXT, event_id TEXT, message TEXT, aliases TEXT, conversation TEXT, direction TEXT, channel TEXT,
            status TEXT, provider_status TEXT, mark TEXT, sender TEXT, recipient TEXT, text TEXT, media TEXT,
            error INTEGER, error_code TEXT, carrier_code TEXT, carrier TEXT, error_source TEXT, error_title TEXT,
            error_detail TEXT, trace_id TEXT, temporary INTEGER,
            occurred_at INTEGER, accepted_at INTEGER, sent_at INTEGER, completed_at INTEGER, valid_until INTEGER,
            facts TEXT, problems TEXT, marks TEXT
        )
        """
    )
    db.execute(
        """
        CREATE TABLE tallies (
            provider TEXT NOT NULL, verdict TEXT NOT NULL, captures INTEGER NOT NULL,
            PRIMARY KEY (provider, verdict)
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE public_keys (
            id INTEGER PRIMARY KEY, provider TEXT NOT NULL, fingerprint TEXT NOT NULL, text TEXT NOT NULL,
            origin TEXT NOT NULL, fetched_at INTEGER NOT NULL, trusted INTEGER NOT NULL,
            UNIQUE (provider, fingerprint)
        )
        """
    )


@migrations()
def m002_messages_and_conversations(db: Database) -> None:
    """What the readings of one message, and the messages of one conversation, say together."""
    db.execute("CREATE TABLE watermark (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL)")
    db.execute("INSERT INTO watermark VALUES (1, 0)")
    db.execute(
        """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY, message TEXT NOT NULL, conversation_id INTEGER,
            received_at INTEGER NOT NULL, first_at INTEGER NOT NULL, happened_at INTEGER NOT NULL,
            touched INTEGER NOT NULL, provider TEXT NOT NULL,
            aliases TEXT, conversation TEXT, direction TEXT, channel TEXT, status TEXT,
            final INTEGER NOT NULL, sender TEXT, recipient TEXT, text TEXT, media TEXT,
            error INTEGER, error_code TEXT, carrier_code TEXT, carrier TEXT, error_source TEXT, error_title TEXT,
            error_detail TEXT, trace_id TEXT, temporary INTEGER,
            accepted_at INTEGER, occurred_at INTEGER, completed_at INTEGER, valid_until INTEGER,
            accept_to_sent_s REAL, sent_to_final_s REAL, total_s REAL, transit_s REAL, about INTEGER,
            mark TEXT, marks TEXT, stages TEXT, more_stages INTEGER, interactions TEXT, captures TEXT,
            capture_count INTEGER NOT NULL, unproven TEXT, unproven_count INTEGER NOT NULL, duplicates INTEGER NOT NULL
        )
        """
    )
    # Which message a key or an alias of it names, and what was said of a message: repeats only add to a count.
    db.execute("CREATE TABLE message_keys (key TEXT PRIMARY KEY, message INTEGER NOT NULL) WITHOUT ROWID")
    db.execute(
        """
        CREATE TABLE message_events (
            message INTEGER NOT NULL, digest INTEGER NOT NULL, verdict TEXT NOT NULL,
            capture INTEGER NOT NULL, captures INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            PRIMARY KEY (message, digest, verdict)
        ) WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX messages_touched ON messages (touched)")
    db.execute("CREATE INDEX messages_open ON messages (id) WHERE final = 0")
    db.execute("CREATE INDEX messages_failed ON messages (id) WHERE status = 'failed'")
    db.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id, happened_at)")
    db.execute(
        """
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL, provider TEXT NOT NULL, parties TEXT,
            channel TEXT, messages INTEGER NOT NULL, unproven INTEGER NOT NULL, failed INTEGER NOT NULL,
            last_text TEXT, last_direction TEXT, last_at INTEGER NOT NULL, status TEXT, touched INTEGER NOT NULL
        )
        """
    )
    db.execute("CREATE INDEX conversations_last ON conversations (last_at)")
    db.execute("CREATE INDEX conversations_touched ON conversations (touched)")
    # ``passing``: a name that a provider gives now and then to a party it also names by another.
    db.execute(
        """
        CREATE TABLE conversation_keys (
            key TEXT PRIMARY KEY, conversation INTEGER NOT NULL, passing INTEGER NOT NULL
        ) WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX conversation_keys_of ON conversation_keys (conversation)")
    # Captures that belong to a conversation and are no message of their own: they are lines in its thread.
    db.execute(
        """
        CREATE TABLE conversation_events (
            conversation INTEGER NOT NULL, capture INTEGER NOT NULL, PRIMARY KEY (conversation, capture)
        ) WITHOUT ROWID
        """
    )
    # Conversation events that name a message: which of the provider's own conversations that message is in.
    db.execute(
        """
        CREATE TABLE conversation_ties (
            message TEXT NOT NULL, conversation TEXT NOT NULL, PRIMARY KEY (message, conversation)
        ) WITHOUT ROWID
        """
    )


@migrations()
def m003_registrations(db: Database) -> None:
    """What is wanted at the providers, and every change that was made there: saved before it was asked for."""
    db.execute(
        """
        CREATE TABLE wanted (
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL,
            spec TEXT NOT NULL, since INTEGER NOT NULL, UNIQUE (account, subject)
        )
        """
    )
    # ``before`` and ``after`` are registrations as JSON, without secrets; ``run`` names the run of hooktop that asked,
    # ``closed`` tells whether it ended properly; ``probes`` are the captures that came in meanwhile.
    db.execute(
        """
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
            subject TEXT NOT NULL, before TEXT, after TEXT, begun_at INTEGER NOT NULL, ended_at INTEGER,
            state TEXT NOT NULL, run TEXT NOT NULL, undoes INTEGER, probes TEXT, closed INTEGER NOT NULL DEFAULT 0
        )
        """
    )


@migrations()
def m004_attempts(db: Database) -> None:
    """Each time a capture was passed on: forwarded as it came, or replayed later, and what was answered."""
    db.execute(
        """
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY, capture INTEGER NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL,
            at INTEGER NOT NULL, took_s REAL, status INTEGER, failure TEXT, detail TEXT NOT NULL,
            headers BLOB NOT NULL, body BLOB NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL
        )
        """
    )
    db.execute("CREATE INDEX attempts_of_capture ON attempts (capture)")


@migrations()
def m005_search(db: Database) -> None:
    """Which captures can hold a piece of text. Filters do without where this SQLite has no such index."""
    search.create(db.conn)


@migrations()
def m006_conversation_events_by_capture(db: Database) -> None:
    """Which conversation a capture is a line of: asked for every capture that is opened, and when it is let go."""
    db.execute("CREATE INDEX conversation_events_of ON conversation_events (capture)")


@migrations()
def m007_trust(db: Database) -> None:
    """Whether captures whose signature could not be checked move messages."""
    db.execute("ALTER TABLE watermark ADD COLUMN trust_unproven INTEGER NOT NULL DEFAULT 1")


@migrations()
def m008_shapes(db: Database) -> None:
    """What the bodies of each event type have had: fields, and words in those that hold a few words."""
    db.execute("CREATE TABLE learnt (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL)")
    db.execute("INSERT INTO learnt VALUES (1, 0)")
    # ``local``: of what was simulated here. ``captures``: how many it was learnt from.
    db.execute(
        """
        CREATE TABLE event_types (
            id INTEGER PRIMARY KEY, provider TEXT NOT NULL, event TEXT NOT NULL, local INTEGER NOT NULL,
            captures INTEGER NOT NULL, UNIQUE (provider, event, local)
        )
        """
    )
    # ``word`` is 0 for the field itself, else the hash of a word in it; ``capture`` and ``at`` are where it was first,
    # ``before`` how many captures came before it, ``new`` whether that makes it news; ``free``: it holds no list.
    db.execute(
        """
        CREATE TABLE fields (
            event_type INTEGER NOT NULL, path TEXT NOT NULL, word INTEGER NOT NULL, capture INTEGER NOT NULL,
            at INTEGER NOT NULL, before INTEGER NOT NULL, new INTEGER NOT NULL, free INTEGER NOT NULL,
            PRIMARY KEY (event_type, path, word)
        ) WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX fields_new ON fields (capture) WHERE new = 1")


@migrations()
def m009_newest_proven_messages(db: Database) -> None:
    """What was said last in a conversation, however many messages of it may be forged."""
    db.execute(
        "CREATE INDEX messages_proven ON messages (conversation_id, happened_at) WHERE unproven_count < capture_count"
    )

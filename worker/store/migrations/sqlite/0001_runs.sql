-- Times are microseconds since 1970 in UTC, 0 for never.

-- One row a site: what the planner knows of it, and the lock under which a site's
-- runs are planned, started and finished.
CREATE TABLE schedules (
    site       TEXT PRIMARY KEY NOT NULL,
    spec       TEXT NOT NULL DEFAULT '',
    timezone   TEXT NOT NULL DEFAULT 'UTC',
    jitter     INTEGER NOT NULL DEFAULT 0,
    overlap    TEXT NOT NULL DEFAULT 'skip',
    missed     TEXT NOT NULL DEFAULT 'latest',
    planned_to INTEGER NOT NULL DEFAULT 0,
    unmade     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE workers (
    id         TEXT PRIMARY KEY NOT NULL,
    host       TEXT NOT NULL,
    boot       TEXT NOT NULL,
    pid_ns     TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    pid_start  INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    beat       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE worker_sites (
    worker TEXT NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    site   TEXT NOT NULL,
    plans  INTEGER NOT NULL, -- 1: the worker lets the site's schedule fire
    PRIMARY KEY (worker, site)
) WITHOUT ROWID;

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    site          TEXT NOT NULL,
    scheduled_at  INTEGER NOT NULL,
    reason        TEXT NOT NULL CHECK (reason IN ('schedule', 'manual', 'missed')),
    state         TEXT NOT NULL CHECK (state IN ('planned', 'running', 'done', 'partial', 'failed', 'skipped')),
    not_before    INTEGER NOT NULL DEFAULT 0,
    attempt       INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    missed        INTEGER NOT NULL DEFAULT 0,
    started_at    INTEGER NOT NULL DEFAULT 0,
    finished_at   INTEGER NOT NULL DEFAULT 0,
    pages_done    INTEGER NOT NULL DEFAULT 0,
    pages_failed  INTEGER NOT NULL DEFAULT 0,
    pages_skipped INTEGER NOT NULL DEFAULT 0,
    items_new     INTEGER NOT NULL DEFAULT 0,
    items_changed INTEGER NOT NULL DEFAULT 0,
    items_same    INTEGER NOT NULL DEFAULT 0,
    class         TEXT NOT NULL DEFAULT '',
    error         TEXT NOT NULL DEFAULT '',
    worker        TEXT NOT NULL DEFAULT '',
    UNIQUE (site, scheduled_at)
);

CREATE UNIQUE INDEX runs_one_running ON runs (site) WHERE state = 'running';
CREATE INDEX runs_unfinished ON runs (site, scheduled_at) WHERE state IN ('planned', 'running');
CREATE INDEX runs_finished ON runs (finished_at);

-- id is the page's key, shortened where it is long; long_key is then the whole of it.
-- url is '' where it equals the key.
CREATE TABLE pages (
    run        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    id         TEXT NOT NULL,
    long_key   TEXT NOT NULL DEFAULT '',
    seq        INTEGER NOT NULL,
    url        TEXT NOT NULL,
    template   TEXT NOT NULL,
    depth      INTEGER NOT NULL,
    parent     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'done', 'failed', 'skipped')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    status     INTEGER NOT NULL DEFAULT 0,
    final_url  TEXT NOT NULL DEFAULT '',
    title      TEXT NOT NULL DEFAULT '',
    bytes      INTEGER NOT NULL DEFAULT 0,
    class      TEXT NOT NULL DEFAULT '',
    error      TEXT NOT NULL DEFAULT '',
    started_at INTEGER NOT NULL DEFAULT 0,
    duration   INTEGER NOT NULL DEFAULT 0,
    items      INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;

CREATE INDEX pages_in_order ON pages (run, seq);

-- Items of a run that is not published yet. id rises over all runs: a later sighting
-- of an item has the larger one.
CREATE TABLE page_items (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    run      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    page     TEXT NOT NULL,
    ordinal  INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    long_key TEXT NOT NULL DEFAULT '',
    hash     TEXT NOT NULL,
    data     TEXT NOT NULL,
    UNIQUE (run, page, ordinal)
);

CREATE TABLE items (
    site        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    long_key    TEXT NOT NULL DEFAULT '',
    url         TEXT NOT NULL,
    hash        TEXT NOT NULL,
    data        TEXT NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    first_run   INTEGER NOT NULL,
    last_run    INTEGER NOT NULL,
    changed_run INTEGER NOT NULL,
    sighting    INTEGER NOT NULL,
    PRIMARY KEY (site, kind, key)
);

-- What was done about memory, by which worker of which host. The latest are kept.
CREATE TABLE memory_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    host        TEXT NOT NULL,
    worker      TEXT NOT NULL,
    action      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    says        TEXT NOT NULL DEFAULT '',
    used_before INTEGER NOT NULL DEFAULT 0, -- bytes, 0: not known
    used_after  INTEGER NOT NULL DEFAULT 0,
    above       INTEGER NOT NULL DEFAULT 0,
    took        INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX memory_events_of_host ON memory_events (host, id);

-- What the latest runs of each site added to memory at their peak.
CREATE TABLE site_peaks (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    site  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    alone INTEGER NOT NULL -- 1: no other run was at work meanwhile
);

CREATE INDEX site_peaks_of_site ON site_peaks (site, id);

-- What each worker may use, as JSON.
CREATE TABLE worker_budgets (
    worker TEXT PRIMARY KEY NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    budget TEXT NOT NULL
) WITHOUT ROWID;

-- The runs that wait for memory.
CREATE TABLE memory_waits (
    worker TEXT NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    run    INTEGER NOT NULL,
    site   TEXT NOT NULL,
    since  INTEGER NOT NULL,
    why    TEXT NOT NULL,
    PRIMARY KEY (worker, run)
) WITHOUT ROWID;

-- Alarms of growth that were told: each is told once for the sites that it is of.
CREATE TABLE alarms (
    fingerprint TEXT NOT NULL,
    sites       TEXT NOT NULL, -- their names in order, with commas
    seen        INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, sites)
) WITHOUT ROWID;

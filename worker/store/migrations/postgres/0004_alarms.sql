-- Alarms of growth that were told: each is told once for the sites that it is of.
CREATE TABLE alarms (
    fingerprint TEXT COLLATE "C" NOT NULL,
    sites       TEXT COLLATE "C" NOT NULL, -- their names in order, with commas
    seen        BIGINT NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    PRIMARY KEY (fingerprint, sites)
);

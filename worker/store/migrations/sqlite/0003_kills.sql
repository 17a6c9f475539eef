-- How often pages of a run were killed for want of memory.
ALTER TABLE runs ADD COLUMN killed INTEGER NOT NULL DEFAULT 0;

-- What is remembered of a site whose pages were: when last, and the runs since then without a kill;
-- since when it is set aside and why; its site file, by a hash: a changed one puts it back.
ALTER TABLE schedules ADD COLUMN killed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN calm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN aside_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN aside_why TEXT NOT NULL DEFAULT '';
ALTER TABLE schedules ADD COLUMN file TEXT NOT NULL DEFAULT '';

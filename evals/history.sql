CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE TABLE IF NOT EXISTS runs (
    id VARCHAR PRIMARY KEY,
    suite VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,      -- JSON
    version VARCHAR NOT NULL,       -- digest of the code
    "commit" VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL,     -- UTC
    seconds DOUBLE NOT NULL,
    cases INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    known INTEGER NOT NULL,
    passed BOOLEAN NOT NULL,
    gates VARCHAR NOT NULL          -- JSON
);
-- What was set for a column, and which runs one command made; files of earlier versions have neither.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS variant VARCHAR DEFAULT '';
ALTER TABLE runs ADD COLUMN IF NOT EXISTS batch VARCHAR DEFAULT '';

CREATE TABLE IF NOT EXISTS metrics (
    run VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    metric VARCHAR NOT NULL,
    value DOUBLE,
    standard_error DOUBLE,
    cases INTEGER NOT NULL
);

-- What came of a case, once for all runs that it came in.
CREATE TABLE IF NOT EXISTS contents (digest VARCHAR PRIMARY KEY, content VARCHAR NOT NULL);

CREATE TABLE IF NOT EXISTS outcomes (
    run VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    "case" VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    answered BOOLEAN,
    latency_ms DOUBLE,
    trace_id VARCHAR NOT NULL,
    metrics VARCHAR NOT NULL,       -- JSON
    content VARCHAR NOT NULL
);

-- What somebody said of two answers to one question.
CREATE TABLE IF NOT EXISTS votes (
    id VARCHAR PRIMARY KEY,
    cast_at TIMESTAMP NOT NULL,     -- UTC
    voter VARCHAR NOT NULL,         -- person, or judge with its model
    question VARCHAR NOT NULL,
    first VARCHAR NOT NULL,         -- what was set
    second VARCHAR NOT NULL,
    replies VARCHAR NOT NULL,       -- JSON: both, in this order
    verdict VARCHAR NOT NULL        -- a: the first, b: the second, tie, bad
);

-- No primary keys on what changes often: DuckDB checks them before the transaction's own deletes count.
CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE SEQUENCE IF NOT EXISTS ids;
CREATE TABLE IF NOT EXISTS roots (
    id BIGINT NOT NULL,
    path VARCHAR NOT NULL,      -- absolute
    name VARCHAR NOT NULL       -- first part of a source when there are several roots
);
CREATE TABLE IF NOT EXISTS notes (
    id BIGINT NOT NULL,
    root BIGINT NOT NULL,
    path VARCHAR NOT NULL,      -- relative to the root, with '/'
    compared VARCHAR NOT NULL,  -- the same as filters compare it, in any case and normal form
    digest VARCHAR NOT NULL,    -- of the file's bytes
    size BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    reader VARCHAR NOT NULL,    -- version of the code that cut it into chunks
    encoding VARCHAR NOT NULL,
    repair VARCHAR,
    language VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    tags VARCHAR[] NOT NULL,
    view VARCHAR NOT NULL,      -- the text as a person sees it
    cuts VARCHAR NOT NULL,      -- JSON: what the view leaves out of the source
    remarks VARCHAR NOT NULL    -- JSON: what is worth telling about it
);
CREATE TABLE IF NOT EXISTS chunks (
    id BIGINT NOT NULL,
    note BIGINT NOT NULL,
    key VARCHAR NOT NULL,       -- the passage's id
    ordinal INTEGER NOT NULL,
    heading VARCHAR NOT NULL,   -- JSON, as are all lists here: of a real list DuckDB reads the neighbours' too
    ancestors VARCHAR NOT NULL, -- JSON
    context VARCHAR NOT NULL,   -- what stands above it, a line for each
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    start_at BIGINT NOT NULL,   -- code points of the source
    end_at BIGINT NOT NULL,
    text VARCHAR NOT NULL,
    shown VARCHAR,              -- what the indexes read of `text` where that is more than the text without marks
    blocks VARCHAR NOT NULL,    -- JSON
    cuts VARCHAR NOT NULL,      -- JSON
    pages VARCHAR NOT NULL,     -- JSON: pages, slides or chapters that it stands on
    language VARCHAR NOT NULL,
    doubtful BOOLEAN NOT NULL,
    sequence VARCHAR NOT NULL,  -- its terms in order; see `ingest/sequence.py`
    words INTEGER NOT NULL,     -- length in terms of each field of `postings`
    grams INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS terms (
    code BIGINT NOT NULL,       -- of field and term: see `postings.code`
    field TINYINT NOT NULL,     -- 0 words, 1 character bigrams
    term VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS occurrences (
    term BIGINT NOT NULL,       -- its code
    chunk BIGINT NOT NULL,
    count INTEGER NOT NULL,
    length INTEGER NOT NULL     -- of the chunk, in terms of this field
);
CREATE VIEW IF NOT EXISTS postings AS
    SELECT t.field, t.term, o.chunk, o.count FROM occurrences o JOIN terms t ON t.code = o.term;
CREATE TABLE IF NOT EXISTS runs (   -- of `occurrences`: stretches that are sorted by term
    last BIGINT NOT NULL,       -- chunk; the next run begins behind it
    rows BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS embedded (
    languages VARCHAR NOT NULL,
    last BIGINT NOT NULL        -- all chunks in these languages up to this one have their vectors
);
CREATE TABLE IF NOT EXISTS aliases (
    note BIGINT NOT NULL,
    entry INTEGER NOT NULL,     -- terms of a note with the same number stand for each other
    term VARCHAR NOT NULL,      -- as the note writes it
    key VARCHAR NOT NULL        -- its forms by the analyser: see `ingest/expansion.py`
);
CREATE TABLE IF NOT EXISTS embedding_cache (
    fingerprint VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,    -- of the embedded text
    vector FLOAT[] NOT NULL
);
CREATE TABLE IF NOT EXISTS feedback (
    trace_id VARCHAR NOT NULL,
    value TINYINT NOT NULL,
    comment VARCHAR NOT NULL,
    given_at TIMESTAMPTZ NOT NULL
);

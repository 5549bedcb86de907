"""The tables, version after version. A new one adds a script to MIGRATIONS, and nothing in those before it changes.

Times are seconds since the epoch. Lengths are pixels of the camera's full frame. A cell's `box` and `contour` lie in
its own frame, `x` and `y` are its centre in the coordinates of its `area` of the slide. Pictures are PNG, but for the
views of photographs.

No table lists the classes: a label is a name, so that classes which came later need no other tables.
"""

from __future__ import annotations

_VERSION_1 = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    started_at REAL NOT NULL,
    ended_at REAL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'signed')),
    sample TEXT NOT NULL,
    operator TEXT NOT NULL,
    notes TEXT NOT NULL,
    source TEXT NOT NULL,
    source_details TEXT NOT NULL,      -- JSON object
    simulated INTEGER NOT NULL,
    program TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    leukocytes TEXT NOT NULL,          -- JSON list: the classes in the denominator
    thresholds TEXT NOT NULL,          -- JSON object, from the model's card
    ranges TEXT NOT NULL,              -- JSON object: reference range of each class, per cent
    window_um REAL,                    -- along a side of a cell's crop
    target INTEGER,
    precision REAL,
    um_per_px REAL,
    gate TEXT NOT NULL,                -- JSON object: the thresholds that frames were judged by
    signed_by TEXT,
    signed_at REAL
);
CREATE TABLE field (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    frame INTEGER NOT NULL,
    captured_at REAL NOT NULL,
    area INTEGER NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    focus REAL,
    cells_in_view INTEGER NOT NULL
);
CREATE INDEX field_by_session ON field(session);
CREATE TABLE cell (
    session INTEGER NOT NULL REFERENCES session(id),
    id INTEGER NOT NULL,               -- 1, 2, … within its session
    label TEXT NOT NULL,               -- what it is taken for now
    changed_by TEXT,                   -- who said so; NULL: the model
    undone_at REAL,                    -- NULL: it stands
    undone_by TEXT,                    -- a person, or the program where it was a double
    counted INTEGER NOT NULL,          -- in the differential's denominator now
    model_label TEXT NOT NULL,
    confidence REAL NOT NULL,          -- the model's in model_label
    probabilities TEXT NOT NULL,       -- JSON list in the order of the model's classes
    views INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    area INTEGER NOT NULL,
    map_key INTEGER NOT NULL,          -- the keyframe its place is measured against …
    dx REAL NOT NULL,                  -- … and the offset to it
    dy REAL NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    frame INTEGER NOT NULL,
    box TEXT NOT NULL,                 -- JSON [x, y, width, height]
    contour BLOB,                      -- int32 little-endian x, y, x, y, …
    crop BLOB,
    PRIMARY KEY (session, id)
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    at REAL NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    cell INTEGER,
    before TEXT,
    after TEXT,
    text TEXT NOT NULL,
    FOREIGN KEY (session, cell) REFERENCES cell(session, id)
);
CREATE INDEX event_by_session ON event(session);
CREATE TABLE accounts (
    session INTEGER PRIMARY KEY REFERENCES session(id),
    captured INTEGER NOT NULL,         -- = counted + every skipped + dropped
    counted INTEGER NOT NULL,
    skipped TEXT NOT NULL,             -- JSON object: frames by reason
    dropped INTEGER NOT NULL
);
"""

_VERSION_2 = """
CREATE TABLE keyframe (                -- the slide's map, by which a resumed session knows places again
    session INTEGER NOT NULL REFERENCES session(id),
    key INTEGER NOT NULL,              -- 0, 1, …: what cell.map_key names
    area INTEGER NOT NULL,
    x REAL NOT NULL,                   -- of the map's own reduced pixels
    y REAL NOT NULL,
    shape TEXT NOT NULL,               -- JSON list: of the camera's frames
    view BLOB NOT NULL,                -- PNG of the reduced picture, 128 is its zero
    PRIMARY KEY (session, key)
);
"""

_REVIEW = """
ALTER TABLE session ADD COLUMN kind TEXT NOT NULL DEFAULT 'live' CHECK (kind IN ('live', 'photographs'));
ALTER TABLE session ADD COLUMN amendment TEXT;  -- why a signed result is open again; NULL: it is not
ALTER TABLE cell ADD COLUMN looked_by TEXT;     -- who looked at it in review, changed or not
ALTER TABLE cell ADD COLUMN looked_at REAL;
CREATE TABLE picture (                 -- the photographs of a session of photographs
    session INTEGER NOT NULL REFERENCES session(id),
    number INTEGER NOT NULL,           -- 1, 2, … in the order given: what cell.frame and cell.area name
    path TEXT NOT NULL,                -- absolute, as it was when counted
    width INTEGER,                     -- NULL: it could not be read
    height INTEGER,
    um_per_px REAL,                    -- NULL: it was not counted
    scale_origin TEXT,
    refused TEXT,                      -- why it was not counted; NULL: it was
    view BLOB,                         -- JPEG, reduced, to be looked at
    PRIMARY KEY (session, number)
);
CREATE TABLE signature (               -- every signed version; the newest is the session's own state
    session INTEGER NOT NULL REFERENCES session(id),
    version INTEGER NOT NULL,          -- 1, 2, …
    signed_by TEXT NOT NULL,
    signed_at REAL NOT NULL,
    reason TEXT NOT NULL,              -- of an amendment; empty for the first
    labels TEXT,                       -- JSON object: what each standing cell was signed as; NULL: before versions
    PRIMARY KEY (session, version)
);
INSERT INTO signature SELECT id, 1, coalesce(signed_by, ''), coalesce(signed_at, started_at), '', NULL
    FROM session WHERE state = 'signed';
CREATE TABLE person (                  -- who may use the review pages from another machine
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'technologist', 'supervisor')),
    password TEXT NOT NULL,            -- scrypt, see store/people.py
    added_at REAL NOT NULL
);
"""

_HANDED_OVER = """
ALTER TABLE session ADD COLUMN classes TEXT NOT NULL DEFAULT '[]';  -- JSON list: the order of cell.probabilities
CREATE TABLE outbox (                  -- HL7 messages, kept until the other side has taken them
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    version INTEGER NOT NULL,
    place TEXT NOT NULL,               -- HOST:PORT
    message TEXT NOT NULL,
    made_at REAL NOT NULL,
    sent_at REAL,                      -- acknowledged then; NULL: it waits
    answer TEXT                        -- the last one, or why there was none
);
"""

_SHRINK = """
ALTER TABLE session ADD COLUMN seconds REAL NOT NULL DEFAULT 0;  -- counted for, by a clock that nobody sets
DELETE FROM keyframe WHERE session IN (SELECT id FROM session WHERE state <> 'open');
"""

_QUALITY = """
CREATE TABLE qc_run (                  -- a test of the microscope on a control: no session, and nobody's blood
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    operator TEXT NOT NULL,
    control TEXT NOT NULL,
    control_sha256 TEXT NOT NULL,
    source TEXT NOT NULL,
    drawn INTEGER NOT NULL,            -- a simulated control
    program TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    passed INTEGER NOT NULL,
    begins INTEGER NOT NULL,           -- what is usual is learnt anew from here on
    signs TEXT NOT NULL,               -- JSON object: what was measured, by name
    counts TEXT NOT NULL,              -- JSON object: cells by class
    findings TEXT NOT NULL             -- JSON list of objects: what was wrong
);
CREATE TABLE field_sign (              -- light, focus and stain of a session's first fields
    session INTEGER NOT NULL REFERENCES session(id),
    frame INTEGER NOT NULL,            -- number of the frame, or of the photograph
    signs TEXT NOT NULL,               -- JSON object by name
    PRIMARY KEY (session, frame)
);
"""

_SECOND_SIGNATURE = """
ALTER TABLE session ADD COLUMN second_signature INTEGER NOT NULL DEFAULT 0;  -- whether a result needs one to stand
ALTER TABLE signature ADD COLUMN second_by TEXT;  -- NULL: nobody yet
ALTER TABLE signature ADD COLUMN second_at REAL;
"""

_QUIZ = """
CREATE TABLE quiz (                    -- a person names cells that are signed, blind
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    begun_at REAL NOT NULL,
    source TEXT NOT NULL,              -- the folder of named pictures; empty: signed sessions
    finished_at REAL                   -- NULL: it can be gone on with
);
CREATE TABLE quiz_cell (
    quiz INTEGER NOT NULL REFERENCES quiz(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,           -- 0, 1, … in the order in which they are shown
    session INTEGER,                   -- no reference: what was answered stays when the session goes
    cell INTEGER,
    path TEXT NOT NULL,                -- of a picture; empty: the session's cell
    label TEXT NOT NULL,               -- as it was signed when the quiz began
    said TEXT,                         -- NULL: not yet answered
    seconds REAL,
    PRIMARY KEY (quiz, number)
);
"""

_DECISIONS = """
ALTER TABLE session ADD COLUMN decisions TEXT NOT NULL DEFAULT '[]';  -- JSON list: what to tell, as "blast>0"
"""

MIGRATIONS: tuple[str, ...] = (
    *(_VERSION_1, _VERSION_2, _REVIEW, _HANDED_OVER, _SHRINK, _QUALITY, _SECOND_SIGNATURE, _QUIZ, _DECISIONS),
)
"""MIGRATIONS[n] makes version n + 1 out of version n."""

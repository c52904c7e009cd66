-- A file of a report is attached to its mail, or goes into the district's reports folder, or both.
ALTER TABLE intake.report_file ADD COLUMN attached BOOLEAN DEFAULT true NOT NULL;

CREATE TABLE intake.report_drop (
    report TEXT NOT NULL,
    name TEXT NOT NULL,
    district TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    answer TEXT,
    next_try_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    dropped_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_report_drop PRIMARY KEY (report, name),
    CONSTRAINT ck_report_drop_state CHECK (state IN ('queued', 'deferred', 'refused', 'dropped')),
    CONSTRAINT fk_report_drop_report_file FOREIGN KEY(report, name) REFERENCES intake.report_file (report, name)
);

-- Who let a message go again, and when: from then on it may wait as long as a new one.
ALTER TABLE intake.message ADD COLUMN released_at TIMESTAMP WITH TIME ZONE, ADD COLUMN released_by TEXT;

-- One row: which database this is, and how many claims of messages it knows. The landing store notes the same.
CREATE TABLE intake.outbox_epoch (
    one BOOLEAN DEFAULT true NOT NULL,
    token UUID DEFAULT gen_random_uuid() NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT pk_outbox_epoch PRIMARY KEY (one),
    CONSTRAINT ck_outbox_epoch_one CHECK (one)
);
INSERT INTO intake.outbox_epoch (number) VALUES (0);

-- Drops hold ids and states, no cells: a listing, read for all districts and written for one.
ALTER TABLE intake.report_drop ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY district ON intake.report_drop
    USING (district = roster.current_district() AND district = (SELECT roster.current_district()))
    WITH CHECK (district = (SELECT roster.current_district()));
CREATE POLICY listing ON intake.report_drop FOR SELECT USING (true);

GRANT SELECT, INSERT, UPDATE ON intake.report_drop, intake.outbox_epoch TO roster_sync;
GRANT SELECT ON intake.report_drop, intake.outbox_epoch TO roster_manual, roster_sweep;
GRANT DELETE ON intake.report_drop TO roster_sweep;

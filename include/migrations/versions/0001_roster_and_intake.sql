-- The first schema. Every key and foreign key inside a district starts with the district.

-- Roles belong to the whole server: another database, or the operator, may have made them (with a login).
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['roster_sync', 'roster_source', 'roster_manual', 'roster_read'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA roster;

CREATE TABLE intake.change (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    district TEXT NOT NULL,
    delivery TEXT,
    attempt INTEGER,
    entity TEXT NOT NULL,
    key TEXT[] NOT NULL,
    action TEXT NOT NULL,
    before JSONB,
    after JSONB,
    line BIGINT,
    actor TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_change PRIMARY KEY (id)
);
CREATE INDEX ix_change_delivery ON intake.change USING brin (delivery);

CREATE TABLE intake.run_districts (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    districts TEXT[] NOT NULL,
    CONSTRAINT pk_run_districts PRIMARY KEY (dag_id, run_id)
);

CREATE TABLE roster.district (
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    roster_version BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_district PRIMARY KEY (code)
);

CREATE TABLE intake.delivery (
    id TEXT NOT NULL,
    district TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    modified_at TIMESTAMP WITH TIME ZONE NOT NULL,
    landed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    dictionary_version TEXT NOT NULL,
    code_version TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    judged_roster_version BIGINT,
    judged_on DATE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    claim_token BIGINT DEFAULT '0' NOT NULL,
    claimed_by TEXT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT,
    decided_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_delivery PRIMARY KEY (id),
    CONSTRAINT uq_delivery_district_sha256 UNIQUE (district, sha256),
    CONSTRAINT ck_delivery_state CHECK (state IN ('pulled', 'validated', 'held', 'applied', 'refused', 'discarded', 'superseded', 'undone', 'failed')),
    CONSTRAINT fk_delivery_district FOREIGN KEY(district) REFERENCES roster.district (code)
);

CREATE TABLE roster.person (
    district TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_district_id TEXT,
    user_state_id TEXT,
    role TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    middle_name TEXT,
    email TEXT,
    email_key TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    owner TEXT NOT NULL,
    sticky TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    active_email_key TEXT GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN email_key END) STORED,
    active_district_id TEXT GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN user_district_id END) STORED,
    active_state_id TEXT GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN user_state_id END) STORED,
    CONSTRAINT pk_person PRIMARY KEY (district, user_id),
    CONSTRAINT uq_person_email UNIQUE (active_email_key) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_person_district_id UNIQUE (district, active_district_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_person_state_id UNIQUE (district, active_state_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ck_person_user_id CHECK (user_id <> ''),
    CONSTRAINT ck_person_role CHECK (role IN ('Teacher', 'Administrator', 'Student')),
    CONSTRAINT ck_person_file_owned CHECK (owner <> 'file' OR (role <> 'Student' AND email_key IS NOT NULL)),
    CONSTRAINT ck_person_email CHECK ((email IS NULL) = (email_key IS NULL) AND email_key <> ''),
    CONSTRAINT ck_person_status CHECK (status IN ('active', 'inactive')),
    CONSTRAINT ck_person_owner CHECK (owner IN ('source', 'file', 'manual')),
    CONSTRAINT fk_person_district FOREIGN KEY(district) REFERENCES roster.district (code)
);
CREATE INDEX ix_person_email_key ON roster.person (district, email_key);
CREATE INDEX ix_person_id_fold ON roster.person (district, lower(ltrim(user_id, '0')));

CREATE TABLE roster.school (
    district TEXT NOT NULL,
    school_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    owner TEXT NOT NULL,
    sticky TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_school PRIMARY KEY (district, school_id),
    CONSTRAINT ck_school_school_id CHECK (school_id <> ''),
    CONSTRAINT ck_school_status CHECK (status IN ('active', 'inactive')),
    CONSTRAINT ck_school_owner CHECK (owner IN ('source', 'file', 'manual')),
    CONSTRAINT fk_school_district FOREIGN KEY(district) REFERENCES roster.district (code)
);

CREATE TABLE intake.arrival (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    district TEXT NOT NULL,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    name TEXT,
    size_bytes BIGINT,
    modified_at TIMESTAMP WITH TIME ZONE,
    delivery TEXT,
    outcome TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_arrival PRIMARY KEY (id),
    CONSTRAINT fk_arrival_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);
CREATE INDEX ix_arrival_district_seen_at ON intake.arrival (district, seen_at);

CREATE TABLE intake.attempt (
    delivery TEXT NOT NULL,
    number INTEGER NOT NULL,
    district TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rows JSONB NOT NULL,
    counts JSONB NOT NULL,
    by_school JSONB NOT NULL,
    changes INTEGER NOT NULL,
    dictionary_version TEXT NOT NULL,
    code_version TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    roster_version BIGINT NOT NULL,
    forced_reason TEXT,
    actor TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_attempt PRIMARY KEY (delivery, number),
    CONSTRAINT fk_attempt_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);

CREATE TABLE intake.finding (
    district TEXT NOT NULL,
    delivery TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    stage TEXT NOT NULL,
    position INTEGER NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    line BIGINT,
    "column" TEXT,
    value TEXT,
    detail JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_finding PRIMARY KEY (delivery, attempt, stage, position),
    CONSTRAINT ck_finding_stage CHECK (stage IN ('file', 'roster')),
    CONSTRAINT fk_finding_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);

CREATE TABLE intake.plan (
    district TEXT NOT NULL,
    delivery TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    entity TEXT NOT NULL,
    key TEXT[] NOT NULL,
    action TEXT NOT NULL,
    before JSONB,
    after JSONB,
    line BIGINT,
    CONSTRAINT pk_plan PRIMARY KEY (delivery, attempt, entity, key),
    CONSTRAINT fk_plan_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);

CREATE TABLE intake.report (
    id TEXT NOT NULL,
    district TEXT NOT NULL,
    delivery TEXT,
    attempt INTEGER,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text_body TEXT NOT NULL,
    html_body TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_report PRIMARY KEY (id),
    CONSTRAINT fk_report_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);

CREATE TABLE intake.run_delivery (
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    district TEXT NOT NULL,
    position SMALLINT NOT NULL,
    delivery TEXT NOT NULL,
    outcome TEXT,
    CONSTRAINT pk_run_delivery PRIMARY KEY (dag_id, run_id, district, position),
    CONSTRAINT uq_run_delivery_dag_id_run_id_district_delivery UNIQUE (dag_id, run_id, district, delivery),
    CONSTRAINT fk_run_delivery_delivery FOREIGN KEY(delivery) REFERENCES intake.delivery (id)
);

CREATE TABLE roster.class (
    district TEXT NOT NULL,
    class_id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT,
    grade TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    owner TEXT NOT NULL,
    sticky TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_class PRIMARY KEY (district, class_id),
    CONSTRAINT fk_class_school FOREIGN KEY(district, school_id) REFERENCES roster.school (district, school_id),
    CONSTRAINT ck_class_class_id CHECK (class_id <> ''),
    CONSTRAINT ck_class_status CHECK (status IN ('active', 'inactive')),
    CONSTRAINT ck_class_owner CHECK (owner IN ('source', 'file', 'manual'))
);
CREATE INDEX ix_class_district_school_id ON roster.class (district, school_id);

CREATE TABLE roster.placement (
    district TEXT NOT NULL,
    user_id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    staff_type TEXT,
    start_date DATE,
    end_date DATE,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    sticky TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_placement PRIMARY KEY (district, user_id, school_id),
    CONSTRAINT ck_placement_status CHECK (status IN ('planned', 'active', 'ended')),
    CONSTRAINT ck_placement_dates CHECK (end_date >= start_date),
    CONSTRAINT fk_placement_person FOREIGN KEY(district, user_id) REFERENCES roster.person (district, user_id) ON UPDATE CASCADE,
    CONSTRAINT fk_placement_school FOREIGN KEY(district, school_id) REFERENCES roster.school (district, school_id),
    CONSTRAINT ck_placement_owner CHECK (owner IN ('source', 'file', 'manual'))
);
CREATE INDEX ix_placement_district_school_id ON roster.placement (district, school_id);

CREATE TABLE intake.message (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    district TEXT NOT NULL,
    report TEXT NOT NULL,
    recipient TEXT NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    answer TEXT,
    next_try_at TIMESTAMP WITH TIME ZONE,
    claimed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT uq_message_report_recipient UNIQUE (report, recipient),
    CONSTRAINT ck_message_state CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'refused', 'unknown')),
    CONSTRAINT fk_message_report FOREIGN KEY(report) REFERENCES intake.report (id),
    CONSTRAINT uq_message_message_id UNIQUE (message_id)
);

CREATE TABLE intake.report_file (
    report TEXT NOT NULL,
    district TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT pk_report_file PRIMARY KEY (report, name),
    CONSTRAINT fk_report_file_report FOREIGN KEY(report) REFERENCES intake.report (id)
);

CREATE TABLE roster.enrollment (
    district TEXT NOT NULL,
    user_id TEXT NOT NULL,
    class_id TEXT NOT NULL,
    primary_teacher BOOLEAN DEFAULT 'false' NOT NULL,
    start_date DATE,
    end_date DATE,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    sticky TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_enrollment PRIMARY KEY (district, user_id, class_id),
    CONSTRAINT ck_enrollment_status CHECK (status IN ('planned', 'active', 'ended')),
    CONSTRAINT ck_enrollment_dates CHECK (end_date >= start_date),
    CONSTRAINT fk_enrollment_person FOREIGN KEY(district, user_id) REFERENCES roster.person (district, user_id) ON UPDATE CASCADE,
    CONSTRAINT fk_enrollment_class FOREIGN KEY(district, class_id) REFERENCES roster.class (district, class_id),
    CONSTRAINT ck_enrollment_owner CHECK (owner IN ('source', 'file', 'manual'))
);
CREATE INDEX ix_enrollment_district_class_id ON roster.enrollment (district, class_id);

-- The tasks read, add and change; they delete, empty and define nothing. Temporary tables are for staging and plans.
GRANT USAGE ON SCHEMA roster, intake TO roster_sync;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA roster, intake TO roster_sync;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA roster, intake TO roster_sync;
REVOKE INSERT, UPDATE ON intake.alembic_version FROM roster_sync;

-- Other applications read the roster all day long.
GRANT USAGE ON SCHEMA roster TO roster_read;
GRANT SELECT ON ALL TABLES IN SCHEMA roster TO roster_read;

DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO roster_sync', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO roster_read', current_database());
END
$$;

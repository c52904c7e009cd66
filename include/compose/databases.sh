#!/bin/bash
# Run once by the postgres image, when its data folder is new: the roles and databases, as on the embedded server.
# On a server of your own a superuser runs the same statements before `rostersync db upgrade`.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --set owner_password="$ROSTER_OWNER_PASSWORD" \
    --set sync_password="$ROSTER_SYNC_PASSWORD" \
    --set source_password="$ROSTER_SOURCE_PASSWORD" \
    --set manual_password="$ROSTER_MANUAL_PASSWORD" \
    --set read_password="$ROSTER_READ_PASSWORD" \
    --set sweep_password="$ROSTER_SWEEP_PASSWORD" \
    --set airflow_password="$AIRFLOW_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE roster_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE roster_sync LOGIN PASSWORD :'sync_password';
CREATE ROLE roster_source LOGIN PASSWORD :'source_password';
CREATE ROLE roster_manual LOGIN PASSWORD :'manual_password';
CREATE ROLE roster_read LOGIN PASSWORD :'read_password';
CREATE ROLE roster_sweep LOGIN PASSWORD :'sweep_password';
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE roster_peek NOLOGIN BYPASSRLS;
GRANT roster_sync, roster_source, roster_manual, roster_read, roster_sweep, roster_peek
    TO roster_owner WITH INHERIT FALSE, SET TRUE;
CREATE DATABASE roster OWNER roster_owner;
CREATE DATABASE airflow OWNER airflow;
\connect roster
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
SQL

#!/bin/bash
# Run once by the postgres image, when its data folder is new: the roles and databases, as on the embedded server.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --set owner_password="$ROSTER_OWNER_PASSWORD" \
    --set sync_password="$ROSTER_SYNC_PASSWORD" \
    --set airflow_password="$AIRFLOW_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE roster_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE roster_sync LOGIN PASSWORD :'sync_password';
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE ROLE roster_source NOLOGIN;
CREATE ROLE roster_manual NOLOGIN;
CREATE ROLE roster_read NOLOGIN;
CREATE ROLE roster_peek NOLOGIN BYPASSRLS;
CREATE DATABASE roster OWNER roster_owner;
CREATE DATABASE airflow OWNER airflow;
SQL

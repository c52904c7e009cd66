#!/bin/sh
# Run by the service `prepare` before Airflow starts; harmless when everything is there.
set -eu

rostersync db upgrade
python -m rostersync.local.inbox_folders
airflow db migrate
airflow pools import "$(dirname "$0")/../pools.json"

# Airflow's simple login reads its passwords from a file. For more than a trial, use a real auth manager.
umask 077
python -c 'import json, os; print(json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]}))' \
    >"$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"

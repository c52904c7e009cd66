# Airflow with this project: one image for every service of docker-compose.yaml.
FROM python:3.12-slim

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/rostersync/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/rostersync/plugins \
    ROSTERSYNC_STATE=/var/lib/rostersync \
    UV_NO_CACHE=1 \
    PIP_NO_CACHE_DIR=1

# Whoever runs this needs no rights on the host; the folders below belong to it, the program does not.
RUN useradd --uid 50000 --create-home --shell /usr/sbin/nologin airflow \
    && install --directory --owner airflow --mode 0700 /opt/airflow /var/lib/rostersync

WORKDIR /opt/rostersync

# The same two steps as scripts/setup.sh. Bytecode is compiled here: without it every process start takes twice as long.
COPY requirements-setup.txt requirements.txt ./
RUN pip install --require-hashes -r requirements-setup.txt \
    && uv pip install --system --require-hashes --compile-bytecode -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY rostersync rostersync
COPY dags dags
COPY plugins plugins
COPY include include
# The runbook that failures and mails name, and the pages that `rostersync doctor` compares with the dictionary.
COPY docs docs
RUN uv pip install --system --offline --no-deps --no-build-isolation -e . \
    && python -m compileall -q rostersync dags plugins

USER airflow
CMD ["airflow", "version"]

#!/bin/sh
# Writes what a release consists of, as CycloneDX JSON: build/rostersync-sbom.json. From an environment that holds the
# locked packages of an installation and nothing else (the developer's tools are not part of a release).
set -eu
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv-dev}
ALONE=build/sbom-environment
OUT=build/rostersync-sbom.json

rm -rf "$ALONE"
trap 'rm -rf "$ALONE"' EXIT
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
mkdir -p build
"$VENV/bin/uv" venv --quiet --python "$VENV/bin/python" "$ALONE"
"$VENV/bin/uv" pip sync --quiet --python "$ALONE/bin/python" --require-hashes requirements.txt
"$VENV/bin/cyclonedx-py" environment --pyproject pyproject.toml --mc-type application --gather-license-texts \
    --output-reproducible --validate --output-format JSON --output-file "$OUT" "$ALONE/bin/python"
printf 'sbom: %s\n' "$OUT"

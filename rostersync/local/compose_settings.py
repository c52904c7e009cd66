"""The settings file of docker-compose.yaml, with fresh secrets: `python3 -m rostersync.local.compose_settings > .env`.

Standard library only: it runs where nothing is installed yet.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "include" / "compose" / "env.example"


def settings(example: str) -> str:
    """The example with a secret after each `NAME=` that it leaves empty and does not call optional."""
    return "".join(_filled(line) for line in example.splitlines(keepends=True))


def _filled(line: str) -> str:
    name, equals, value = line.rstrip("\n").partition("=")
    if line.startswith("#") or not equals or value:
        return line
    # Letters and digits only, because most of them become part of a URL.
    secret = _fernet_key() if name.endswith("FERNET_KEY") else secrets.token_hex(24)
    return f"{name}={secret}\n"


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


if __name__ == "__main__":
    print(settings(EXAMPLE.read_text(encoding="utf-8")), end="")

"""What workers load before they fork their tasks."""

from __future__ import annotations

import json
import subprocess
import sys

from rostersync.settings import PROJECT

LOADED = """
import gc, json, sys, threading
import rostersync.airflow_bridge.preload
print(json.dumps({
    "expectations": "great_expectations" in sys.modules,
    "threads": [each.name for each in threading.enumerate()],
    "unseen": gc.get_freeze_count(),
    "seen": len(gc.get_objects()),
}))
"""


def test_great_expectations_is_loaded_and_nothing_of_it_is_left_to_the_garbage_collector() -> None:
    command = [sys.executable, "-W", "ignore", "-c", LOADED]
    told = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    found = json.loads(told)
    assert found["expectations"]
    assert found["threads"] == ["MainThread"]
    assert found["unseen"] > 100 * found["seen"]

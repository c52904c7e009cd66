"""Importing this once, before tasks are forked, spares each of them the seconds that Great Expectations takes to load.

Named in Airflow's `[core] mp_forkserver_preload` (LocalExecutor) and in Celery's `imports` (CeleryExecutor).
"""

from rostersync import pipeline, screening

__all__ = ["pipeline", "screening"]

screening.preload()

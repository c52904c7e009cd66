"""Importing this once, before tasks are forked, spares each of them the seconds that Great Expectations takes to load.

What is loaded is taken out of the garbage collector's sight: a forked task would copy every page of it by looking
through it, which takes as long as judging a small file.

Named in Airflow's `[core] mp_forkserver_preload` (LocalExecutor) and in Celery's `imports` (CeleryExecutor).
"""

import gc

from rostersync import pipeline, screening

__all__ = ["pipeline", "screening"]

screening.preload()
gc.freeze()

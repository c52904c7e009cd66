"""The project's Airflow plugin. Read by every Airflow process, so nothing is imported here but the base class."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class RostersyncPlugin(AirflowPlugin):
    """Makes the project visible under Admin → Plugins. Great Expectations is preloaded by configuration, not here."""

    name = "rostersync"

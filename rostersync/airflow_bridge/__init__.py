"""airflow_bridge."""

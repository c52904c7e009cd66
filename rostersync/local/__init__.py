"""What runs on one machine: Airflow without containers, the demo, settings for compose."""

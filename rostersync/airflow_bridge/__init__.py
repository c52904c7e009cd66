"""Between Airflow and the pipeline. Empty, because DAG files must load nothing heavy: import the module you need."""

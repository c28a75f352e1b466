"""The rules: pure functions on integers. No Spark, no Airflow, no files, no clock."""

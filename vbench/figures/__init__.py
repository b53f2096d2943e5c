"""Charts and pictures of a benchmark, for the report and for MLflow alike."""

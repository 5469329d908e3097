"""The same models on Apache Spark: a server of our own, raw tables as Parquet, dbt, and a comparison with DuckDB."""

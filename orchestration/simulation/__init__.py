"""Made-up people whose doings are written as the export files that a user would download. Knows no Dagster."""

"""What Dagster loads. Each module wires one part of the project; none computes anything itself."""

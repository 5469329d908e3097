"""Files as exported -> raw tables, a ledger row per file and a quarantine row per row that could not be read.

Knows no Dagster. `spec` says what a source declares, `identify` which source a file is, `containers` opens
archives, `read` turns bytes into rows, `load` runs one transaction per file, `ledger` remembers.
"""

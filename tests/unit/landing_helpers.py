"""A small project with one source per format, and a way to land bytes with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.load import LandingSummary, land_folder
from orchestration.settings import Settings

SOURCES = r"""
version: 2
sources:
  - name: toy
    schema: raw_toy
    tables:
      - name: orders
        config: {meta: {landing: {
          spec_version: 1, format: csv, kind: events, time_zone: UTC, natural_key: [order_id], covers: ordered_at,
          delimiters: [",", ";"], signature: {has: [order id, total], lacks: [post id]}}}}
        columns:
          - {name: order_id, config: {meta: {header: Order Id, privacy: pseudonymous, required: true}}}
          - {name: total, config: {meta: {header: Total, aliases: [Amount], privacy: none}}}
          - {name: note, config: {meta: {header: Note, privacy: content}}}
          - name: ordered_at
            config: {meta: {header: Ordered at, privacy: none, time_formats: ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]}}
      - name: events
        config: {meta: {landing: {
          spec_version: 1, format: ndjson, kind: events, time_zone: UTC, signature: {has: [kind, who]}}}}
        columns:
          - {name: kind, config: {meta: {privacy: none, required: true}}}
          - {name: who, config: {meta: {path: [$.who.id, $.who], privacy: pseudonymous}}}
      - name: notes
        config: {meta: {landing: {
          spec_version: 1, format: json, kind: events, time_zone: UTC, rows: ["$.items[*]", "$[*]"],
          signature: {row_has: [id, body]}}}}
        columns:
          - {name: id, config: {meta: {privacy: pseudonymous, required: true}}}
          - {name: body, config: {meta: {privacy: content}}}
      - name: scripts
        config: {meta: {landing: {
          spec_version: 1, format: js, kind: snapshot, time_zone: UTC, signature: {prefix: 'window\.TOY\.part\d+'}}}}
        columns:
          - {name: id, config: {meta: {path: [$.thing.id, $.id], privacy: pseudonymous}}}
      - name: requests
        config: {meta: {landing: {
          spec_version: 1, format: log, kind: events, time_zone: offset,
          pattern: '^(?P<host>\S+) \[(?P<at>[^\]]+)\] (?P<path>/\S*)(?: (?P<agent>.*))?$'}}}
        columns:
          - {name: host, config: {meta: {privacy: personal}}}
          - {name: at, config: {meta: {privacy: none, time_formats: ["%d/%b/%Y:%H:%M:%S %z"]}}}
          - {name: path, config: {meta: {privacy: none}}}
          - {name: agent, config: {meta: {privacy: none}}}
"""


class Toy:
    """The toy project in a temporary folder."""

    def __init__(self, root: Path) -> None:
        staging = root / "project" / "models" / "staging" / "toy"
        staging.mkdir(parents=True)
        self.sources = staging / "_toy__sources.yml"
        self.sources.write_text(SOURCES)
        self.exports = root / "exports"
        self.exports.mkdir()
        self.settings = dataclasses.replace(
            Settings.from_environment(), exports=self.exports, home=root / "home", dbt_project=root / "project"
        )

    def land(self, **files: bytes) -> LandingSummary:
        """Write files (double underscores in a name become dots) and land the folder."""
        for name, content in files.items():
            path = self.exports / name.replace("__", ".")
            path.write_bytes(content)
        return land_folder(self.settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

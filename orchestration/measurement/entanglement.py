"""Placeholder."""

from __future__ import annotations

from orchestration.measurement.measurement import Measurement

MEASUREMENTS: tuple[Measurement, ...] = ()

"""The runbook sends nobody to a command, a setting or a heading that is not there."""

from __future__ import annotations

import dataclasses
import re

import pytest

from orchestration.landing.limits import Limits
from orchestration.settings import PROJECT_ROOT

RUNBOOK = (PROJECT_ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
DOCTOR = (PROJECT_ROOT / "orchestration" / "doctor.py").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "orchestration").rglob("*.py"))


@pytest.mark.parametrize("text", [RUNBOOK, DOCTOR], ids=["runbook", "doctor"])
def test_every_command_is_a_target(text: str) -> None:
    commands = {
        word
        for line in re.findall(r"(?:`|^|\"|: |then: |start )make ([a-z ]+)", text, re.M)
        for word in line.split()[:1]
    }
    assert {"run", "serve", "rollback", "clean"} <= commands
    assert commands - TARGETS == set()


def test_every_setting_is_read_somewhere() -> None:
    settings = set(re.findall(r"\bBALCONY_[A-Z_]+", RUNBOOK)) - {"BALCONY_HOME"}
    assert len(settings) >= 8
    limits = {f"BALCONY_{field.name.upper()}" for field in dataclasses.fields(Limits)}
    assert {name for name in settings - limits if f'"{name}"' not in CODE} == set()


def test_every_link_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", RUNBOOK, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", RUNBOOK)) <= headings
    assert set(re.findall(r"\]\(\.\./(\w+\.md)", RUNBOOK)) == {"CONTRIBUTING.md"}

"""What must hold in each layer, as data, and how a layer is checked. Importing it does not import GX."""

from expectations.run import CheckResult, load_ahead, run_layer
from expectations.suites import Check, load_suites

__all__ = ["Check", "CheckResult", "load_ahead", "load_suites", "run_layer"]

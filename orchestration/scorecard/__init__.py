"""How far the published figures are from the truth, over many simulated worlds: `python -m orchestration.scorecard`."""

"""Figures that SQL alone does not give, from small aggregates between the intermediate layer and the marts."""

"""Platelets and red cells: what finds platelets is taught, and what the device estimates is measured."""

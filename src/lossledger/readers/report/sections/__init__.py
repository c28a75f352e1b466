"""The sections of the report, after the fields A to M that supervisors ask for."""

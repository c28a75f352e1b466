"""What counts of what was delivered: exact numbers, policies, every reason for a rejection (inputs.md)."""

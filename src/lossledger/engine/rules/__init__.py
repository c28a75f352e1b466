"""One file a section of rules.md: what every number means."""

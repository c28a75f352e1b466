"""The doors: arguments, progress, exit codes."""

"""Running tasks, on Spark or in this process."""

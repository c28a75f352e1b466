"""SQL over published dates, without Spark: `lossledger query`."""

"""Where the rules meet the data: reading, Spark, Delta, checking, publishing, and the command line."""

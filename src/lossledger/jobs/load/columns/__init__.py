"""The load by columns: plainly good rows are accepted at once; the reference judge decides every other row."""

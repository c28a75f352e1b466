"""The replay of a session, compiled: arrays in, arrays out; equal to `engine/` row for row, or left to it."""

"""A second, deliberately plain implementation of the rules, written from their text alone.

It shares no code with the engine: what both say is evidence, what they say differently is a defect in one.
"""

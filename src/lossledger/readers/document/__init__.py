"""One model of a document (sections of sentences, tables, formulas, charts) and one renderer a format."""

from readers.report.facts import Facts
from readers.report.model import Section


def public_sections(facts: Facts) -> tuple[Section, ...]:
    return ()

"""The order of transfer_ids, fill_ids and movement_ids in SQL (rules.md section 4)."""


def order_key_sql(column: str) -> str:
    """An expression whose order is that of `engine.ids.order_key`: digits alone first, as numbers."""
    number = f"ltrim({column}, '0')"
    digits = f"chr(1) || lpad(length({number})::varchar, 4, '0') || {number} || chr(1) || {column}"
    return f"if(regexp_full_match({column}, '[0-9]+'), {digits}, {column})"

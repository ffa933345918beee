"""Text that a database and a page can carry."""


def unstorable(value: str) -> bool:
    """True when `value` holds NUL or a lone surrogate, which no UTF-8 column can keep."""
    if "\x00" in value:
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False

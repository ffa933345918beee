"""Values and bodies that no request should bring, and that every request may."""

import json

VALUES = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "huge": 2**70,
    "endless": 10**400,
    "float": 1e308,
    "empty": "",
    "nul": "a\x00b",
    "surrogate": "\ud800",
    "long": "x" * 100_000,
    "markup": "<script>alert(1)</script>",
    "template": "{{ 7*7 }}{% debug %}",
    "format": "{0.__class__} %s %(x)s",
    "bidi": "\u202egnp.exe",
    "controls": "\x1b[2J\r\n\t",
    "list": [],
    "nested list": [[[]]],
    "object": {},
    "nested object": {"a": {"b": {}}},
    "uid": "000000000000",
    "path": "../../etc/passwd",
    "sql": "'; DROP TABLE accounts_user; --",
}
BODIES = {
    "nothing": b"",
    "not json": b"{",
    "bare text": b'"x"',
    "number": b"1",
    "null": b"null",
    "list": b"[]",
    "list of objects": b'[{"name": "x"}]',
    "nan": b'{"name": NaN}',
    "infinity": b'{"height_units": 1e999}',
    "long number": b'{"name": ' + b"9" * 5000 + b"}",
    "bad utf-8": b'{"name": "\xff\xfe"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "twice": b'{"name": "a", "name": "b"}',
    "many keys": json.dumps({f"k{n}": n for n in range(20_000)}).encode(),
    "hostile keys": json.dumps({"\x00": 1, "": 2, "a/b~c": 3, "__proto__": {}}).encode(),
    "surrogate key": b'{"\\ud800": 1}',
    "60 MB": b'{"name": "' + b"x" * (60 * 1024 * 1024) + b'"}',
}

HARMLESS = {"twice", "utf-16"}
"""JSON allows both: the last of two keys counts, and UTF-16 is read as such."""

"""The `<uid:uid>` part of an address: anything else is no such page, before a view runs."""

from django.urls import register_converter

from dcportal.common.ids import UID_PATTERN


class UidConverter:
    regex = UID_PATTERN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")

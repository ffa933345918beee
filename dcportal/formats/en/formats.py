"""Dates in English that nobody misreads: `24 Nov 2026, 14:32`, never 11/12 nor p.m."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"

"""Names of time zones. Listing them walks a folder of 600 files (50 ms), so it happens once."""

import zoneinfo
from functools import cache


@cache
def zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())

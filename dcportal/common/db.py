"""The only door from socket code to the database, and how long a write may wait for it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")

# Consumers otherwise share one thread (asgiref), so one slow query would stall every socket.
_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="dcp-db")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking `function` in the bounded pool with a database connection of its own."""

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_pool, call)


@contextlib.contextmanager
def impatient(milliseconds: int = 50) -> Iterator[None]:
    """Writes inside wait this long for SQLite's one writer, not the usual 20 s: for what may as well not
    be written. Raises OperationalError as soon as that is over."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    usual = round(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {usual}")

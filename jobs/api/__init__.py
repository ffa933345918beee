"""REST of jobs; `dcportal.api.urls` calls `register(router)`."""

from jobs.api.routes import register

__all__ = ["register"]

"""Pages of people, teams and tokens."""

from dcportal.accounts.views.sessions import locked_out

__all__ = ["locked_out"]

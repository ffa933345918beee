"""People, teams, and the secrets that stand for people."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record


class Role(models.TextChoices):
    """Weakest first; each may do what the ones before it may."""

    VIEWER = "viewer", _("Viewer")
    USER = "user", _("User")
    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Administrator")


ROLE_ORDER = list(Role.values)


class Scope(models.TextChoices):
    """What a token may be used for; `admin` includes the others."""

    READ = "read", _("Read everything its person may see")
    JOBS = "jobs", _("Launch and cancel jobs")
    INVENTORY = "inventory", _("Change the inventory")
    ADMIN = "admin", _("Everything, people and tokens included")


SCOPES = list(Scope.values)


class Theme(models.TextChoices):
    SYSTEM = "system", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class User(AbstractBaseUser, Record):
    """A person with an account. `unix_account` is the name that jobs run under on cluster engines.

    An empty `language` follows the browser.
    """

    username = models.CharField(_("user name"), max_length=64, unique=True)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.USER)
    is_active = models.BooleanField(_("active"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    unix_account = models.CharField(_("Unix account"), max_length=32, blank=True)
    session_version = models.PositiveIntegerField(default=1, editable=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[BaseUserManager] = BaseUserManager()

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        """The full name, or the user name of a person who gave none."""
        return self.full_name or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must match: a new password or `session_version` ends all older sessions."""
        value = f"{self.password}:{self.session_version}"
        key_salt = "dcportal.accounts.models.User.session"
        return salted_hmac(key_salt, value, secret=secret, algorithm="sha256").hexdigest()


class Team(Record):
    """A group of people that shares jobs, data sets and quota."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    description = models.CharField(_("description"), max_length=500, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(Record):
    """A person's place in a team, with the role held there."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.USER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class ApiToken(Record):
    """A secret that acts for a person over the API. Only its SHA-256 digest is kept.

    `scopes` is a list out of `read`, `jobs`, `inventory`, `admin`; `prefix` is the part that people
    may see, to tell tokens apart.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=12, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.USER)
    expires_at = models.DateTimeField(_("expires"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SignInLink(Record):
    """A one-time way in for one person, as printed by `make run`. Only its digest is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"

"""REST of people, teams and tokens, and `/api/v1/me`."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.viewsets import GenericViewSet

from dcportal.accounts import actions, filters, queries
from dcportal.accounts.models import SCOPES, ApiToken, Membership, Role, Team, User
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.rest.serializers import RecordSerializer, Strict, by_uid
from dcportal.common.rest.views import Creates, Deletes, Edits, RecordViewSet

STAMPS = ["uid", "revision", "created_at", "updated_at"]


class UserSerializer(RecordSerializer):
    """A person. E-mail and last sign-in are shown to administrators and to the person only."""

    class Meta:
        model = User
        fields = [
            *STAMPS,
            "username",
            "full_name",
            "email",
            "role",
            "is_active",
            "language",
            "timezone",
            "theme",
            "unix_account",
            "last_login",
        ]
        read_only_fields = [*STAMPS, "is_active", "last_login"]

    def to_representation(self, instance: User) -> dict[str, Any]:
        shown = super().to_representation(instance)
        actor: Actor | None = self.context.get("actor")
        if actor is not None and not actor.has_role("admin") and actor.user_id != instance.pk:
            for private in {"email", "last_login"} & shown.keys():
                shown[private] = None
        return shown


class MembershipSerializer(RecordSerializer):
    user = by_uid(User.objects.all())
    username = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = Membership
        fields = ["uid", "user", "username", "role"]
        read_only_fields = ["uid"]


class TeamSerializer(RecordSerializer):
    num_members = serializers.IntegerField(read_only=True)

    class Meta:
        model = Team
        fields = [*STAMPS, "name", "description", "num_members"]
        read_only_fields = STAMPS


class TokenSerializer(RecordSerializer):
    user = by_uid(User.objects.all(), required=False)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES), allow_empty=False)

    class Meta:
        model = ApiToken
        fields = [
            *STAMPS,
            "user",
            "name",
            "prefix",
            "role",
            "scopes",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ]
        read_only_fields = [*STAMPS, "prefix", "revoked_at", "last_used_at"]


class NewTokenSerializer(TokenSerializer):
    """As made: with the secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class RoleSerializer(Strict):
    role = serializers.ChoiceField(choices=Role.choices)


class MeSerializer(serializers.Serializer):
    """Who the caller is and what it may do."""

    uid = serializers.CharField()
    kind = serializers.CharField()
    username = serializers.CharField()
    role = serializers.CharField()
    teams = serializers.DictField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())


class UserViewSet(Creates, Edits, RecordViewSet):
    """People. They are deactivated, never deleted: what they own and did stays theirs."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = filters.UserFilters
    ordering_fields = ["username", "role", "created_at"]
    ordering = ["username"]

    def rows(self, actor: Actor) -> Any:
        return queries.users_visible_to(actor)

    def get_serializer_context(self) -> dict[str, Any]:
        actor = getattr(self.request._request, "_dcp_actor", None) if self.request else None
        return {**super().get_serializer_context(), "actor": actor}

    def create_row(self, values: dict[str, Any]) -> User:
        return actions.create_user(self.actor, values, utcnow())

    def edit_row(self, row: User, values: dict[str, Any], revision: int | None) -> None:
        if self.actor.has_role("admin"):
            actions.edit_user(self.actor, row, values, utcnow(), revision)
        else:
            actions.edit_profile(self.actor, row, values, utcnow(), revision)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, uid: str) -> Response:
        """Lock the person out; sessions and tokens end at once."""
        return self.shown(actions.deactivate_user(self.actor, self.row(uid), utcnow()))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, uid: str) -> Response:
        """Let the person in again."""
        return self.shown(actions.reactivate_user(self.actor, self.row(uid), utcnow()))


class TeamViewSet(Creates, Edits, Deletes, RecordViewSet):
    """Teams and their members."""

    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    filterset_class = filters.TeamFilters
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]

    def rows(self, actor: Actor) -> Any:
        return queries.with_counts(queries.teams_visible_to(actor))

    def create_row(self, values: dict[str, Any]) -> Team:
        return actions.create_team(self.actor, values, utcnow())

    def edit_row(self, row: Team, values: dict[str, Any], revision: int | None) -> None:
        actions.edit_team(self.actor, row, values, utcnow(), revision)

    def delete_row(self, row: Team) -> None:
        actions.delete_team(self.actor, row, utcnow())

    @extend_schema(responses=MembershipSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def members(self, request: Request, uid: str) -> Response:
        """Who is in the team, by name."""
        members = queries.members_of(self.row(uid))
        return Response(MembershipSerializer(members, many=True).data)

    @extend_schema(request=MembershipSerializer, responses={201: MembershipSerializer})
    @members.mapping.post
    def add_member(self, request: Request, uid: str) -> Response:
        """Take a person into the team."""
        asked = MembershipSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        team, values = self.row(uid), asked.validated_data
        role = values.get("role", Role.USER)
        membership = actions.add_member(self.actor, team, values["user"], role, utcnow())
        return Response(MembershipSerializer(membership).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RoleSerializer, responses=MembershipSerializer)
    @action(detail=True, methods=["patch"], url_path="members/(?P<member_uid>[0-9a-z]{12})")
    def member(self, request: Request, uid: str, member_uid: str) -> Response:
        """Give a member another role in the team."""
        asked = RoleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        membership = queries.get_membership(self.actor, self.row(uid), member_uid)
        role = asked.validated_data["role"]
        changed = actions.change_member(self.actor, membership, role, utcnow())
        return Response(MembershipSerializer(changed).data)

    @extend_schema(request=None, responses={204: None})
    @member.mapping.delete
    def remove_member(self, request: Request, uid: str, member_uid: str) -> Response:
        """Take a person out of the team."""
        membership = queries.get_membership(self.actor, self.row(uid), member_uid)
        actions.remove_member(self.actor, membership, utcnow())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(create=extend_schema(responses={201: NewTokenSerializer}))
class TokenViewSet(RecordViewSet):
    """API tokens. The secret is in the answer to POST and nowhere else."""

    queryset = ApiToken.objects.select_related("user")
    serializer_class = TokenSerializer
    filterset_class = filters.TokenFilters
    ordering_fields = ["name", "created_at"]
    ordering = ["-id"]

    def rows(self, actor: Actor) -> Any:
        return queries.tokens_visible_to(actor)

    def create(self, request: Request) -> Response:
        values = self.checked(request)
        user = values.pop("user", None) or cast(User, request.user)
        token, secret = actions.create_token(self.actor, user, values, utcnow())
        token.secret = secret  # type: ignore[attr-defined]
        return Response(NewTokenSerializer(token).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uid: str) -> Response:
        """End the token at once."""
        return self.shown(actions.revoke_token(self.actor, self.row(uid), utcnow()))


class MeViewSet(GenericViewSet):
    """The caller."""

    serializer_class = MeSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=MeSerializer, operation_id="me_retrieve")
    def list(self, request: Request) -> Response:
        actor: Actor = cast(Any, request._request)._dcp_actor
        user = cast(User, request.user)
        return Response(
            {
                "uid": user.uid,
                "kind": actor.kind,
                "username": user.username,
                "role": actor.role,
                "teams": actor.teams,
                "scopes": sorted(actor.scopes),
            }
        )


def register(router: BaseRouter) -> None:
    """Add the routes of people, teams and tokens below `/api/v1/`."""
    router.register("users", UserViewSet)
    router.register("teams", TeamViewSet)
    router.register("tokens", TokenViewSet)
    router.register("me", MeViewSet, basename="me")

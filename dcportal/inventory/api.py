"""REST of the inventory: sites, rooms, rows, racks, node types, nodes, accelerators, node tokens."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from dcportal.common import reasons
from dcportal.common.clock import utcnow
from dcportal.common.rest.serializers import RecordSerializer, Strict, by_uid
from dcportal.common.rest.views import Creates, Deletes, Edits, RecordViewSet
from dcportal.inventory import actions, filters, queries
from dcportal.inventory.models import Accelerator, Node, NodeToken, NodeType, Rack, Room, Row, Site
from dcportal.inventory.states import state_of

STAMPS = ["uid", "revision", "created_at", "updated_at"]


class SiteSerializer(RecordSerializer):
    class Meta:
        model = Site
        fields = [*STAMPS, "name", "kind", "timezone", "address", "is_simulated"]
        read_only_fields = [*STAMPS, "is_simulated"]


class RoomSerializer(RecordSerializer):
    site = by_uid(Site.objects.all())

    class Meta:
        model = Room
        fields = [*STAMPS, "site", "name"]
        read_only_fields = STAMPS


class RowSerializer(RecordSerializer):
    room = by_uid(Room.objects.all())

    class Meta:
        model = Row
        fields = [*STAMPS, "room", "name"]
        read_only_fields = STAMPS


class RackSerializer(RecordSerializer):
    row = by_uid(Row.objects.all())
    site = serializers.CharField(source="row.room.site.uid", read_only=True)

    class Meta:
        model = Rack
        fields = [*STAMPS, "row", "site", "name", "height_units", "power_limit_kilowatts"]
        read_only_fields = STAMPS


class NodeTypeSerializer(RecordSerializer):
    class Meta:
        model = NodeType
        fields = [*STAMPS, *sorted(actions.EDITABLE[NodeType])]
        read_only_fields = STAMPS


class NodeSerializer(RecordSerializer):
    """A machine. `state` is the one word shown as its badge; `watch_only` says why no job can start."""

    site = by_uid(Site.objects.all(), allow_null=True, required=False)
    rack = by_uid(Rack.objects.all(), allow_null=True, required=False)
    node_type = by_uid(NodeType.objects.all(), allow_null=True, required=False)
    state = serializers.SerializerMethodField()
    watch_only = serializers.SerializerMethodField()
    accelerator_count = serializers.IntegerField(read_only=True)
    accelerator_model = serializers.CharField(read_only=True)
    missing_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Node
        fields = [
            *STAMPS,
            "name",
            "state",
            "site",
            "rack",
            "position_units",
            "node_type",
            "serial",
            "lifecycle",
            "admission",
            "liveness",
            "last_seen_at",
            "schedulable",
            "unschedulable_reason",
            "launch_engine",
            "watch_only",
            "is_simulated",
            "accelerator_count",
            "accelerator_model",
            "missing_count",
            "cpu_count",
            "memory_bytes",
            "agent_version",
        ]
        read_only_fields = [
            name for name in fields if name not in actions.EDITABLE[Node] | {"site", "rack", "node_type"}
        ]

    def get_state(self, node: Node) -> str:
        return state_of(node)

    @extend_schema_field({"type": ["object", "null"], "properties": {"code": {"type": "string"}}})
    def get_watch_only(self, node: Node) -> dict[str, Any] | None:
        stored = node.watch_only_reason
        return stored and {**stored, "text": reasons.text_of(stored)}


class NodeDetailSerializer(NodeSerializer):
    facts = serializers.JSONField(read_only=True)

    class Meta(NodeSerializer.Meta):
        fields = [*NodeSerializer.Meta.fields, "facts"]


class AcceleratorSerializer(RecordSerializer):
    node = serializers.CharField(source="node.uid")
    node_name = serializers.CharField(source="node.name")

    class Meta:
        model = Accelerator
        fields = [
            *STAMPS,
            "uuid",
            "node",
            "node_name",
            "index",
            "model",
            "vendor",
            "memory_bytes",
            "power_limit_watts",
            "pci_bus_id",
            "compute_capability",
            "missing_since",
            "is_simulated",
        ]
        read_only_fields = fields


class NodeTokenSerializer(RecordSerializer):
    nodes = by_uid(Node.objects.all(), many=True, required=False)

    class Meta:
        model = NodeToken
        fields = [
            *STAMPS,
            "name",
            "prefix",
            "nodes",
            "accepts_at_once",
            "may_simulate",
            "revoked_at",
            "last_used_at",
        ]
        read_only_fields = [*STAMPS, "prefix", "revoked_at", "last_used_at"]


class NewNodeTokenSerializer(NodeTokenSerializer):
    """As made: with the secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(NodeTokenSerializer.Meta):
        fields = [*NodeTokenSerializer.Meta.fields, "secret"]


class DrainSerializer(Strict):
    reason = serializers.CharField(max_length=300)


class Entered(Creates, Edits, Deletes, RecordViewSet):
    """Rows that operators enter, change and delete."""

    write_scope = "inventory"
    counted: Sequence[str] = ()

    def decorate(self, rows: list[Any]) -> None:
        for relation in self.counted:
            queries.count_below(rows, relation)

    def create_row(self, values: dict[str, Any]) -> Any:
        assert self.queryset is not None
        return actions.add_record(self.actor, self.queryset.model, values, utcnow())

    def edit_row(self, row: Any, values: dict[str, Any], revision: int | None) -> None:
        actions.edit_record(self.actor, row, values, utcnow(), revision)

    def delete_row(self, row: Any) -> None:
        actions.delete_record(self.actor, row, utcnow())


class SiteViewSet(Entered):
    queryset = queries.sites()
    serializer_class = SiteSerializer
    filterset_class = filters.SiteFilters
    ordering_fields = ["name", "kind", "created_at"]
    ordering = ["name"]


class RoomViewSet(Entered):
    queryset = queries.rooms()
    serializer_class = RoomSerializer
    filterset_class = filters.RoomFilters
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]


class RowViewSet(Entered):
    queryset = queries.rows()
    serializer_class = RowSerializer
    filterset_class = filters.RowFilters
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]


class RackViewSet(Entered):
    queryset = queries.racks()
    serializer_class = RackSerializer
    filterset_class = filters.RackFilters
    ordering_fields = ["name", "height_units", "created_at"]
    ordering = ["name"]


class NodeTypeViewSet(Entered):
    queryset = queries.node_types()
    serializer_class = NodeTypeSerializer
    filterset_class = filters.NodeTypeFilters
    ordering_fields = ["manufacturer", "model", "height_units", "accelerator_count", "created_at"]
    ordering = ["manufacturer"]


class NodeViewSet(Entered):
    """Machines. A new one appears by itself when its agent says hello, or is entered as planned."""

    queryset = queries.nodes()
    serializer_class = NodeSerializer
    filterset_class = filters.NodeFilters
    ordering_fields = ["name", "liveness", "admission", "lifecycle", "created_at"]
    ordering = ["name"]

    def rows(self, actor: Any) -> Any:
        found = super().rows(actor)
        # The facts are the largest column and lists do not show them.
        return found.defer("facts") if self.action == "list" else found

    def get_serializer_class(self) -> type[NodeSerializer]:
        return NodeSerializer if self.action == "list" else NodeDetailSerializer

    def decorate(self, rows: list[Node]) -> None:
        queries.count_accelerators(rows)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, uid: str) -> Response:
        """Trust what the node's agent says."""
        return self.shown(actions.accept_node(self.actor, self.row(uid), utcnow()))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uid: str) -> Response:
        """Refuse the node's agent from now on."""
        return self.shown(actions.revoke_node(self.actor, self.row(uid), utcnow()))

    @extend_schema(request=DrainSerializer)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, uid: str) -> Response:
        """Start no more jobs here; running ones stay."""
        asked = DrainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        reason = asked.validated_data["reason"]
        return self.shown(actions.drain_node(self.actor, self.row(uid), reason, utcnow()))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, uid: str) -> Response:
        """Let jobs start here again."""
        return self.shown(actions.resume_node(self.actor, self.row(uid), utcnow()))


class AcceleratorViewSet(RecordViewSet):
    """GPUs, as the agents report them."""

    queryset = queries.accelerators()
    serializer_class = AcceleratorSerializer
    filterset_class = filters.AcceleratorFilters
    ordering_fields = ["uuid", "model", "created_at"]
    ordering = ["-id"]


class NodeTokenViewSet(RecordViewSet):
    """Secrets of agents. The secret is in the answer to POST and nowhere else."""

    queryset = queries.node_tokens()
    serializer_class = NodeTokenSerializer
    filterset_class = filters.NodeTokenFilters
    write_scope = "inventory"
    ordering = ["-id"]

    def rows(self, actor: Any) -> Any:
        """Operators only; for others there are none."""
        return super().rows(actor) if actor.has_role("operator") else NodeToken.objects.none()

    @extend_schema(responses={201: NewNodeTokenSerializer})
    def create(self, request: Request) -> Response:
        values = self.checked(request)
        nodes = values.pop("nodes", [])
        token, secret = actions.create_node_token(self.actor, values, utcnow(), nodes)
        token.secret = secret  # type: ignore[attr-defined]
        shown = NewNodeTokenSerializer(token, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, uid: str) -> Response:
        """End the token; its agent is cut off."""
        return self.shown(actions.revoke_node_token(self.actor, self.row(uid), utcnow()))


def register(router: BaseRouter) -> None:
    """Add the inventory's routes below `/api/v1/`."""
    router.register("sites", SiteViewSet)
    router.register("rooms", RoomViewSet)
    router.register("rows", RowViewSet)
    router.register("racks", RackViewSet)
    router.register("node-types", NodeTypeViewSet)
    router.register("nodes", NodeViewSet)
    router.register("accelerators", AcceleratorViewSet)
    router.register("node-tokens", NodeTokenViewSet)

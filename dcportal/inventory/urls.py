"""Addresses of the inventory."""

from django.urls import URLPattern, path

import dcportal.common.paths  # noqa: F401  registers <uid:...>
from dcportal.inventory.kinds import KINDS
from dcportal.inventory.views import nodes, places, records, tokens

app_name = "inventory"


def _of_kind(slug: str) -> list[URLPattern]:
    kind = {"kind": slug}
    return [
        path(f"{slug}s/", records.record_list, kind, name=f"{slug}-list"),
        path(f"{slug}s/new/", records.record_create, kind, name=f"{slug}-create"),
        path(f"{slug}s/<uid:uid>/edit/", records.record_edit, kind, name=f"{slug}-edit"),
        path(f"{slug}s/<uid:uid>/delete/", records.record_delete, kind, name=f"{slug}-delete"),
    ]


urlpatterns = [
    *(route for slug in KINDS for route in _of_kind(slug)),
    *(
        path(f"{slug}s/<uid:uid>/", places.place_detail, {"kind": slug}, name=f"{slug}-detail")
        for slug in ("site", "room", "row", "node-type")
    ),
    path("racks/<uid:uid>/", places.rack_detail, name="rack-detail"),
    path("nodes/<uid:uid>/", nodes.node_detail, name="node-detail"),
    path("nodes/<uid:uid>/accept/", nodes.node_accept, name="node-accept"),
    path("nodes/<uid:uid>/revoke/", nodes.node_revoke, name="node-revoke"),
    path("nodes/<uid:uid>/drain/", nodes.node_drain, name="node-drain"),
    path("nodes/<uid:uid>/resume/", nodes.node_resume, name="node-resume"),
    path("accelerators/", nodes.accelerator_list, name="accelerator-list"),
    path("accelerators/<uid:uid>/", nodes.accelerator_detail, name="accelerator-detail"),
    path("node-tokens/", tokens.token_list, name="node-token-list"),
    path("node-tokens/new/", tokens.token_create, name="node-token-create"),
    path("node-tokens/<uid:uid>/", tokens.token_detail, name="node-token-detail"),
    path("node-tokens/<uid:uid>/revoke/", tokens.token_revoke, name="node-token-revoke"),
]

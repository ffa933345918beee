"""Tables of the data centre, by noun."""

from dcportal.inventory.models.accelerators import Accelerator, AcceleratorPlacement, HardwareEvent
from dcportal.inventory.models.nodes import Node, NodeToken, NodeType
from dcportal.inventory.models.sites import Rack, Room, Row, Site

__all__ = [
    "Accelerator",
    "AcceleratorPlacement",
    "HardwareEvent",
    "Node",
    "NodeToken",
    "NodeType",
    "Rack",
    "Room",
    "Row",
    "Site",
]

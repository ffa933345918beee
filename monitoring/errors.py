"""What callers of monitoring's actions can act on."""


class AcceleratorTaken(Exception):
    """Another attempt holds one of these GPUs; `uuids` are the ones that are taken."""

    def __init__(self, uuids: list[str]) -> None:
        super().__init__(f"taken: {', '.join(uuids)}")
        self.uuids = uuids

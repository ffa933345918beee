from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "dcportal.inventory"
    label = "inventory"

    def ready(self) -> None:
        from dcportal.common import reasons
        from dcportal.inventory.reasons import TEXTS

        reasons.register(TEXTS)

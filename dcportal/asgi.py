"""The one program that serves pages, API and sockets: `uvicorn dcportal.asgi:application`."""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcportal.settings")

from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import re_path  # noqa: E402

from dcportal.routing import websocket_urlpatterns  # noqa: E402
from monitoring.ingest.endpoint import agent_socket  # noqa: E402
from monitoring.ingest.service import lifespan  # noqa: E402

browser_sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))

application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": http_application,
        "websocket": URLRouter(
            [re_path(r"^ws/agent/$", cast(Any, agent_socket)), re_path(r"", browser_sockets)]
        ),
    }
)

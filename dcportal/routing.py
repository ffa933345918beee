"""Sockets of browsers. The agents' socket is a plain ASGI callable, wired in `asgi`."""

from monitoring.routing import websocket_urlpatterns as monitoring_sockets

websocket_urlpatterns = [*monitoring_sockets]

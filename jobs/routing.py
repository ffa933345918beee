"""Sockets of browsers that jobs serves."""

from django.urls import path

from jobs.consumers import LogConsumer

websocket_urlpatterns = [path("ws/jobs/<str:uid>/logs/", LogConsumer.as_asgi())]

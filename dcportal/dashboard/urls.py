"""Addresses of the first page."""

from django.urls import path

from dcportal.dashboard import node, views

app_name = "dashboard"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("set-up/", views.set_up_card, name="set-up"),
    path("power/", views.power, name="power"),
    path("nodes/<str:uid>/live/", node.node_live, name="node-live"),
    path("search/", views.search, name="search"),
    path("demo-hall/show/", views.show_demo_hall, name="demo-hall-show"),
    path("demo-hall/remove/", views.remove_demo_hall, name="demo-hall-remove"),
]

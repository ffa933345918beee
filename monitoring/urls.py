from django.urls import path

from monitoring.exposition import metrics

app_name = "monitoring"
urlpatterns = [path("metrics", metrics, name="metrics")]

"""What every app's `api.py` builds on: serializers, filters and views that share one manner.

The app's module offers `register(router)`; `dcportal.api.urls` calls it.
"""

"""`spec` and `reporting` run in both environments, `training` only where torch is."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("torch") else ["training"]

"""The AblationBrowser: a sweep's table, linked with the runs behind it."""

from wddkit.views.ablation.browser import AblationBrowser

__all__ = ["AblationBrowser"]

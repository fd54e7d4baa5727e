"""Recorded runs: writing, checking and reading run folders, recording foreign loops, and the cache. No torch."""

from wddkit.history.budget import RecordingPlan, recording_plan
from wddkit.history.cache import Cache
from wddkit.history.fields import Fields
from wddkit.history.folder import StorageError
from wddkit.history.gather import gather
from wddkit.history.reader import Frame, History, RealSample
from wddkit.history.recorder import Recorder
from wddkit.history.relation import relate
from wddkit.history.sweep import Sweep
from wddkit.history.writer import Writer, real_each

__all__ = [
    "Cache",
    "Fields",
    "Frame",
    "History",
    "RealSample",
    "Recorder",
    "RecordingPlan",
    "StorageError",
    "Sweep",
    "Writer",
    "gather",
    "real_each",
    "recording_plan",
    "relate",
]

"""Live sessions: a distillation that does not block the notebook, whose knobs can be turned while it runs."""

from wddkit.session.live import LiveSession, fork, replay
from wddkit.session.watching import Listener, State

__all__ = ["Listener", "LiveSession", "State", "fork", "replay"]

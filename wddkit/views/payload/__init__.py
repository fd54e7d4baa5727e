"""What of a run is sent to the browser: numbers and pictures as bytes, in the best form that a page has room for."""

from wddkit.views.payload.sending import BYTES, Payload, payload

__all__ = ["BYTES", "Payload", "payload"]

"""WMDD's variants that did better than it on validation images (`make defaults`), by the names that all tables have."""

from wddkit.methods import WMDD

MORE = (0.1, 0.03)  # of the teacher's training: what the two networks more have
VARIANTS = {
    "two networks more": WMDD(committee=MORE),
    "two networks more, statistics x 100": WMDD(committee=MORE, statistics_weight=100.0),
}

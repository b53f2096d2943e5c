"""Every built-in metric against the conformance kit that third parties use."""

from __future__ import annotations

from vbench import registry
from vbench.testing import FidelityMetricSuite, PrivacyMetricSuite, SegmentationMetricSuite

_SUITES = {
    "segmentation": SegmentationMetricSuite,
    "fidelity": FidelityMetricSuite,
    "privacy": PrivacyMetricSuite,
}

# One test class a metric, as a plugin's author writes it: pytest collects what it finds here.
for _entry in registry.default().entries("metric"):
    if _entry.built_in:
        _name = f"Test{_entry.cls.__module__.rpartition('.')[2].title()}{_entry.cls.__name__}"
        globals()[_name] = type(_name, (_SUITES[_entry.cls.family],), {"plugin": _entry.cls})
del SegmentationMetricSuite, FidelityMetricSuite, PrivacyMetricSuite

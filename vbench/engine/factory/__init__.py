"""Makes the jobs of a plan, one method per stage: what goes into their keys is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from vbench.engine.datasets import Subjects
from vbench.engine.factory.audits import AuditJobs
from vbench.engine.factory.generators import GeneratorJobs
from vbench.engine.factory.jobs import Jobs
from vbench.engine.factory.segmenters import SegmenterJobs
from vbench.engine.job import Job
from vbench.registry import Registry
from vbench.spec.model import Spec


class JobFactory:
    """Makes the jobs of one fold.

    Attributes:
        jobs: What was made so far, and what all jobs share.
        generators: Makes generators' fits and their samples.
        segmenters: Makes segmenters' trials and their evaluation.
        audits: Makes audits of generators and attacks on them.
    """

    def __init__(
        self,
        spec: Spec,
        registry: Registry,
        data: Mapping[str, Subjects],
        study: str | None,
        fold: int = 0,
        table: dict[str, Job] | None = None,
    ) -> None:
        """Start with the preparation of all subjects.

        Args:
            spec: The spec.
            registry: The plugins.
            data: ``source`` and the targets, as this fold sees them.
            study: Where trials are shown; None: nowhere.
            fold: Which fold of cross-validation.
            table: Where jobs are added; None: a new table.
        """
        self.jobs = Jobs(spec, registry, data, fold, {} if table is None else table)
        self.generators = GeneratorJobs(self.jobs)
        self.segmenters = SegmenterJobs(self.jobs, study)
        self.audits = AuditJobs(self.jobs, self.generators)

"""What an arm costs: the jobs that it needs, their time and memory."""

from __future__ import annotations

from typing import Any

from vbench.analysis.folder import Arm, Results


def arm_cost(results: Results, arm: Arm) -> dict[str, Any]:
    """Return the fields of :class:`vbench.records.board.Row` that say what an arm costs.

    What the arm would cost by itself: jobs that it shares with others (a generator, prepared
    volumes) count in full in each. Trials and failed jobs count; audits do not.
    """
    seconds: dict[str, float] = {}
    cpu = 0.0
    memory: list[float] = []
    on_gpu: list[float] = []
    wanted = [
        key
        for seed, evaluate in arm.evaluate.items()
        for key in (*arm.trials.get(seed, ()), evaluate)
    ]
    for key in results.closure(wanted):
        record = results.records.get(key)
        if record is None:
            continue
        seconds[record.stage] = seconds.get(record.stage, 0.0) + record.seconds
        cpu += record.cpu_seconds or 0.0
        if record.peak_memory_mb:
            memory.append(record.peak_memory_mb)
        if record.peak_gpu_memory_mb:
            on_gpu.append(record.peak_gpu_memory_mb)
    return {
        "seconds": round(sum(seconds.values()), 3),
        "cpu_seconds": round(cpu, 3),
        "peak_memory_mb": round(max(memory), 1) if memory else None,
        "peak_gpu_memory_mb": round(max(on_gpu), 1) if on_gpu else None,
        "seconds_by_stage": {stage: round(value, 3) for stage, value in seconds.items()},
    }

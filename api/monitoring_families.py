"""A reading of the database as families of metrics. Names and units follow Prometheus' conventions; what each means is
told in docs/monitoring.md."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from models.monitoring import JobInTraining, KnownWorker, Reading
from models.status import JobStatus
from models.tables import Worker

# The label of a job whose health nobody has looked at yet, or which has it not looked at.
NO_VERDICT = "none"
OF_WORKER = ("worker", "hostname")
OF_DEVICE = ("worker", "hostname", "device", "name")


def build(version: str, python: str) -> Metric:
    return InfoMetricFamily("ganjobs_build", "Which version answers.", {"version": version, "python": python})


def database_up(is_up: bool) -> Metric:
    return GaugeMetricFamily(
        "ganjobs_database_up", "Whether the database could be read: 0 leaves out all that it would say.", float(is_up)
    )


def families(reading: Reading) -> Iterator[Metric]:
    """All that a reading says."""
    yield from _jobs(reading)
    yield from _workers(reading.workers)
    yield from _training(reading.in_training, [known.worker for known in reading.workers if known.is_up])
    yield from _devices([known.worker for known in reading.workers if known.is_up])


def _jobs(reading: Reading) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("ganjobs_jobs", "Jobs by their state.", labels=("status",))
    for status, count in reading.jobs.items():
        jobs.add_metric((status.value,), count)
    yield jobs
    by_verdict = GaugeMetricFamily(
        "ganjobs_jobs_by_verdict",
        "Jobs that a worker holds, by the newest verdict on their health.",
        labels=("verdict", "severity"),
    )
    found = Counter((job.verdict or NO_VERDICT, job.severity or NO_VERDICT) for job in reading.in_training)
    for labels, count in sorted(found.items()):
        by_verdict.add_metric(labels, count)
    yield by_verdict
    yield GaugeMetricFamily("ganjobs_queue_length", "Jobs that wait for a worker.", reading.jobs[JobStatus.QUEUED])
    yield GaugeMetricFamily(
        "ganjobs_queue_oldest_seconds",
        "How long the job has been queued that has waited longest; 0 where none waits.",
        reading.oldest_queued_seconds or 0.0,
    )


def _workers(known: Sequence[KnownWorker]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "ganjobs_worker_up",
        "1 for a worker that gives signs of life, 0 for one that fell silent within the last hour.",
        labels=OF_WORKER,
    )
    ready = GaugeMetricFamily("ganjobs_worker_ready", "Whether a worker that is up takes jobs.", labels=OF_WORKER)
    slots = GaugeMetricFamily("ganjobs_worker_slots", "Jobs that a worker trains at once, at most.", labels=OF_WORKER)
    for worker, is_up in ((each.worker, each.is_up) for each in known):
        up.add_metric(_of(worker), float(is_up))
        if is_up:
            ready.add_metric(_of(worker), float(worker.status == "ready"))
            slots.add_metric(_of(worker), worker.slots)
    yield from (up, ready, slots)


def _training(jobs: Sequence[JobInTraining], workers: Sequence[Worker]) -> Iterator[Metric]:
    busy = GaugeMetricFamily("ganjobs_worker_slots_busy", "Jobs that a worker holds now.", labels=OF_WORKER)
    speed = GaugeMetricFamily(
        "ganjobs_worker_steps_per_second", "Training steps per second, of all its jobs.", labels=OF_WORKER
    )
    lag = GaugeMetricFamily(
        "ganjobs_worker_recorder_lag_seconds",
        "From a step's end to the commit that records it: the longest of the worker's jobs, as last measured.",
        labels=OF_WORKER,
    )
    held = defaultdict(list)
    for job in jobs:
        held[job.worker_id].append(job)
    for worker in workers:
        of_worker = held[worker.id]
        busy.add_metric(_of(worker), len(of_worker))
        speed.add_metric(_of(worker), sum(job.steps_per_second or 0.0 for job in of_worker))
        lags = [job.recorder_lag_seconds for job in of_worker if job.recorder_lag_seconds is not None]
        if lags:
            lag.add_metric(_of(worker), max(lags))
    yield from (busy, speed, lag)


def _devices(workers: Sequence[Worker]) -> Iterator[Metric]:
    total = GaugeMetricFamily(
        "ganjobs_device_memory_bytes", "A device's memory; of a CPU, its host's.", labels=OF_DEVICE
    )
    used = GaugeMetricFamily("ganjobs_device_memory_used_bytes", "What of it is in use, by whomever.", labels=OF_DEVICE)
    utilization = GaugeMetricFamily(
        "ganjobs_device_utilization_ratio", "How busy a device is, from 0 to 1, by whomever.", labels=OF_DEVICE
    )
    for worker in workers:
        for device in worker.devices:
            index = device.get("index")
            name = device["kind"] if index is None else f"{device['kind']}:{index}"
            labels = (*_of(worker), name, device.get("name") or "")
            if (memory := device.get("memory_bytes")) is not None:
                total.add_metric(labels, memory)
            if (memory_used := device.get("memory_used_bytes")) is not None:
                used.add_metric(labels, memory_used)
            if (percent := device.get("utilization_percent")) is not None:
                utilization.add_metric(labels, percent / 100)
    yield from (total, used, utilization)


def _of(worker: Worker) -> tuple[str, str]:
    return worker.id, worker.hostname

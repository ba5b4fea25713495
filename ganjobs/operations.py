"""What the clients do, written once: each function is an operation for a blocking transport or an event loop
(``ganjobs.effects``)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from ganjobs import calls
from ganjobs.effects import Emission, Emit, Json, Open, Operation, Read, Request, ask, header, said
from ganjobs.errors import (
    DownloadDamaged,
    NothingThere,
    TransferBroken,
    TryLater,
)
from ganjobs.results import Readiness, SampleInfo
from ganjobs.specfile import SpecFileError, read_mapping
from ganjobs.tables import Columns
from ganjobs.transfers import again, unfinished

Spec = Mapping[str, Any] | str | Path
GENERATOR_FILE = "generator.safetensors"


def spec_of(spec: Spec | None, fields: Mapping[str, Any]) -> Json:
    """A spec from a mapping or the path of a YAML or JSON file, its top-level fields replaced by ``fields``.

    Raises:
        SpecFileError: the file cannot be used.
    """
    if isinstance(spec, str) and ("\n" in spec or spec.lstrip().startswith("{")):
        raise SpecFileError("a spec is a mapping or the path of a file, and this is the text of one: load it first")
    given = read_mapping(Path(spec)) if isinstance(spec, str | Path) else dict(spec or {})
    return given | dict(fields)


def readiness() -> Operation[Readiness]:
    """Whether the service can take jobs; that it cannot is no error."""
    try:
        body = yield from ask(calls.READY)
    except TryLater as error:
        body = error.problem
    return Readiness.model_validate(body)


# --- what a job recorded ---------------------------------------------------------------------------------------------


def rows(job_id: str, keys: Sequence[str] | None, from_step: int | None, to_step: int | None) -> Operation[Columns]:
    """Every step in the range, in columns; metrics that the job does not record only where ``keys`` names them."""
    found: Columns = {}
    more = True
    while more:
        body = yield from ask(calls.metrics(job_id, keys, from_step, to_step, limit=calls.MAX_ROWS))
        for name, values in body["columns"].items():
            found.setdefault(name, []).extend(values)
        from_step, more = body["next_step"], body["has_more"]
    if keys is None:
        found = {name: values for name, values in found.items() if any(value is not None for value in values)}
    return found


def buckets(
    job_id: str, keys: Sequence[str] | None, from_step: int | None, to_step: int | None, max_points: int
) -> Operation[Json]:
    """A curve of at most ``max_points`` points, as the API gives it."""
    return (yield from ask(calls.metrics(job_id, keys, from_step, to_step, max_points=max_points)))


def exported(job_id: str, keys: Sequence[str] | None, from_step: int | None, to_step: int | None) -> Operation[bytes]:
    """The same steps as a Parquet file, which is quicker for many."""
    return (yield from whole(calls.export(job_id, "parquet", keys, from_step, to_step)))


def sample(job_id: str, step: int | None) -> Operation[tuple[SampleInfo, bytes | None]]:
    """The sample of a step, or the newest with its PNG.

    Raises:
        NotFound: there is none.
    """
    png: bytes | None = None
    if step is None:
        newest = yield calls.sample(job_id)
        step, png = int(header(newest, "Sample-Step")), newest.content
    behind = {"after": step - 1} if step else {}
    found = (yield from ask(Request("GET", calls.job_path(job_id, "samples"), {"limit": 1, **behind})))["data"]
    if not found or found[0]["step"] != step:
        yield calls.sample(job_id, step)  # the API says what is wrong, and what there is
        raise NothingThere(f"{job_id} has no sample of step {step} any more")
    return sample_info(job_id, found[0]), png


def sample_info(job_id: str, item: Json) -> SampleInfo:
    return SampleInfo.model_validate({**item, "job_id": job_id})


# --- files -----------------------------------------------------------------------------------------------------------


def whole(request: Request) -> Operation[bytes]:
    """An answer that may break off, asked for again where it does.

    Raises:
        TransferBroken: it never came whole.
    """

    def attempt() -> Operation[bytes]:
        pieces: list[bytes] = []
        yield from _pieces(request, pieces.append)
        return b"".join(pieces)

    return (yield from again(attempt))


def save(request: Request, path: Path, sha256: str | None = None) -> Operation[Path]:
    """Download an answer to ``path``, which is not there, or is what it was before, until all has come.

    Raises:
        TransferBroken: it never came whole.
        DownloadDamaged: its SHA-256 is another one.
    """

    def attempt() -> Operation[Path]:
        digest = hashlib.sha256()
        with unfinished(path) as part:
            with part.open("xb") as file:

                def take(piece: bytes) -> None:
                    digest.update(piece)
                    file.write(piece)

                yield from _pieces(request, take)
            if sha256 is not None and digest.hexdigest() != sha256:
                raise DownloadDamaged(f"{path.name}: its SHA-256 is not what the API said; it was not kept")
        return path

    return (yield from again(attempt))


def _pieces(request: Request, take: Callable[[bytes], None]) -> Operation[None]:
    """Hand on the bytes of an answer as they come.

    Raises:
        TransferBroken: it stopped before its end.
    """
    yield Open(request)
    try:
        while (piece := (yield Read())) is not None:
            take(piece)
    except httpx.TransportError as error:
        raise TransferBroken(said(error)) from error


def generator(job_id: str, path: str | Path | None, best: bool) -> Operation[Path]:
    """Download the generator of the newest checkpoint, or the best one's, to ``path`` (a file, or a folder that is
    there).

    Raises:
        NothingThere: there is no checkpoint, or no best one.
    """
    for checkpoint in (yield from ask(calls.checkpoints(job_id)))["data"]:
        for file in checkpoint["files"]:
            if file["name"] == GENERATOR_FILE and (checkpoint["best"] or not best):
                place = _place(path, f"{job_id}-step-{checkpoint['step']:08}.safetensors")
                return (yield from save(Request("GET", file["url"]), place, file["sha256"]))
    none = "no best checkpoint: its spec has no best_metric, or none has been made" if best else "no checkpoint"
    raise NothingThere(f"{job_id} has {none} yet")


def animation(job_id: str, path: str | Path | None, form: str, **choices: float | None) -> Operation[Path]:
    """Download the animation of a job's samples."""
    request = Request("GET", calls.job_path(job_id, "samples", "animation"), {"format": form, **choices})
    name = f"{job_id}-samples.{'png' if form == 'apng' else form}"
    return (yield from save(request, _place(path, name)))


def _place(path: str | Path | None, name: str) -> Path:
    """Where a file goes: into a folder that is there, or as it is called."""
    given = Path(path or ".")
    return given / name if given.is_dir() else given


# --- jobs ------------------------------------------------------------------------------------------------------------


def found_jobs(
    status: str | Sequence[str] = (),
    verdict: str | Sequence[str] = (),
    severity: str | Sequence[str] = (),
    name: str | None = None,
    metadata: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Emission[Json]:
    """Jobs that meet every filter, newest first, ``limit`` at most."""
    at_once = calls.MAX_ITEMS if limit is None else max(1, min(limit, calls.MAX_ITEMS))
    request = calls.list_jobs(
        several(status), at_once, name=name, verdict=several(verdict), severity=several(severity), metadata=metadata
    )
    return calls.pages(request, "id", most=limit)


def several(given: str | Sequence[str]) -> list[str]:
    """One word, or several."""
    return [given] if isinstance(given, str) else list(given)


def some(given: str | Sequence[str] | None) -> list[str] | None:
    """One word, several, or not given."""
    return None if given is None else several(given)


def emitted(request: Request) -> Emission[Json]:
    """The items of a list that comes whole."""
    for item in (yield from ask(request))["data"]:
        yield Emit(item)

# Two images from one file: `api` (also the reconciler, the courier and the migrations; no torch) and `worker`.
# Plain Dockerfile syntax only, so that any builder can build it.

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    GANJOBS_DATA_FOLDER=/data \
    GANJOBS_LOG_FORMAT=json
# A named volume takes over the owner of the folder it is mounted on.
RUN useradd --system --uid 10001 --home-dir /data ganjobs \
 && mkdir /data \
 && chown ganjobs /data
WORKDIR /app

# The page, built of its sources; node comes from PyPI, and neither stays in an image.
FROM base AS page
WORKDIR /build
COPY examples examples
COPY api/dashboard api/dashboard
RUN PYTHON=python3 api/dashboard/build

FROM base AS api
COPY requirements/api.lock requirements/
RUN pip install --requirement requirements/api.lock
COPY pyproject.toml README.md ./
COPY api api
COPY ganjobs ganjobs
COPY migrations migrations
COPY models models
COPY worker worker
COPY --from=page /build/api/dashboard/dist api/dashboard/dist
RUN pip install --no-deps .
USER ganjobs
EXPOSE 8000
CMD ["uvicorn", "api.main:create_app", "--factory", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "8", "--no-access-log"]

FROM base AS worker
# torch first: it is by far the largest layer and changes least. PyPI's build holds CUDA; a host without a GPU can name
# an index with the CPU build: --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
COPY requirements/torch.txt requirements/
RUN pip install --requirement requirements/torch.txt
COPY requirements/worker.lock requirements/
RUN pip install --requirement requirements/worker.lock
COPY pyproject.toml README.md ./
COPY api api
COPY ganjobs ganjobs
COPY migrations migrations
COPY models models
COPY worker worker
RUN pip install --no-deps .
USER ganjobs
CMD ["python", "-m", "worker"]

"""What runs on a GPU host: the Celery worker, the recorder, the reconciler, the courier, the engine in ``worker.gan``."""

"""What runs on a GPU host: the Celery worker, the recorder, the reconciler, and the engine in ``worker.gan``."""

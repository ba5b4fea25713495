"""What runs on a GPU host: the Celery worker, the recorder, the reconciler, the courier, and the engine in ``worker.gan``."""

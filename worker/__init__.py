"""What runs on a GPU host: Celery worker, recorder, reconciler, courier, and the engine in ``worker.gan``."""

"""The GAN engine: pure PyTorch, driven by a spec, a generator of events. It knows of no queue, database or server.

``python -m worker.gan spec.yaml`` trains a spec by itself.
"""

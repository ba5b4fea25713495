"""What a generator is worth: distances from the real data, modes and classes found, D against the best there is."""

from worker.gan.evaluate.evaluator import Evaluator, MetricUnavailable
from worker.gan.evaluate.games import Generate, Judge
from worker.gan.evaluate.inception import InceptionUnavailable

__all__ = ["Evaluator", "Generate", "InceptionUnavailable", "Judge", "MetricUnavailable"]

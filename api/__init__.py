"""What users reach over HTTP. Nothing here imports torch: training happens in ``worker``."""

"""What can go wrong between a mirror and its server; free of MLflow's client, which takes seconds to load."""


class Away(Exception):
    """The server does not answer, or not as it should."""


class Refused(Exception):
    """The server has answered that it will not take this."""


class Lost(Exception):
    """The job is another mirror's by now."""


class ArtifactsFailed(Exception):
    """The files could not be stored, while the server itself answers."""

"""What can be wrong with a wish for simulated traffic."""


class SimulationProblem(ValueError):
    """A wish that cannot be met; the text is one sentence for the user: what, why and what to do."""

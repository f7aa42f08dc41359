"""Small samplers, for the tests of what runs any."""

from espalier.sampling import Sampler


class Draws(Sampler):
    """Draws every configuration, as its number and the seed say."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


class Every(Sampler):
    """Goes once through all points, in a fixed order."""

    def _propose(self, trial_id):
        if trial_id >= self.space.size:
            raise StopIteration
        return self.space.at(trial_id)

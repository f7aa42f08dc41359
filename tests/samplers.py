"""Small samplers, for the tests of what runs any."""

from espalier.plugins import SamplerOffer
from espalier.sampling import Sampler
from espalier.testing import fake_source


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


class Climbs(Sampler):
    """Moves away from the best that it was told of: what it proposes depends on all before."""

    made = []  # noqa: RUF012 - a test looks at it

    def _begin(self):
        self.heard = []
        self.made.append(self)

    def _propose(self, trial_id):
        rng = self.rng(trial_id)
        done = [record for record in self.records if record.is_complete]
        if not done:
            return self.space.sample(rng)
        best = max(done, key=lambda record: record.metrics["score"]).config
        other = self.space.sample(rng)
        return {name: rng.choice([value, other[name]]) for name, value in best.items()}

    def _learn(self, record):
        self.heard.append(("learn", record))

    def _drop(self, trial_id):
        self.heard.append(("drop", trial_id))

    def _adopt(self, record):
        self.heard.append(("adopt", record))


class Stubborn(Sampler):
    """Proposes the largest for ever, as it hears nothing of what is dropped."""

    def _propose(self, trial_id):
        return {name: domain.at(domain.size - 1) for name, domain in self.space.items()}


#: A plug-in that offers two of them by name.
SOURCE = fake_source(
    "tests",
    espalier_samplers=lambda: [
        SamplerOffer("draws", "tests.samplers:Draws"),
        SamplerOffer("every", "tests.samplers:Every"),
    ],
)

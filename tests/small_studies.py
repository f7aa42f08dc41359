"""Small studies, and samplers without a will of their own."""

from espalier import Sampler, Study


class Drawn(Sampler):
    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


class InOrder(Sampler):
    """Every configuration once, in order, as far as it was not tried."""

    def _propose(self, trial_id):
        tried = [record.config for record in self.records]
        for place in range(self.space.size):
            if self.space.at(place) not in tried:
                return self.space.at(place)
        raise StopIteration


NUMBERS = {"x": list(range(6))}


def study_of(objective, space=NUMBERS, sampler=InOrder, metrics="min", **settings):
    return Study(space, objective, sampler=sampler, metrics=metrics, seed=3, **settings)


def states(study):
    return [record.state.value for record in study.trials]

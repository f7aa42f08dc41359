"""Search spaces that the tests of Optuna's samplers share."""

from espalier.domains import Categorical, Constant, FixedList, Float, Integer, Ordinal, Space


def numbers():
    """Return a space of unconditional numbers, which every algorithm can relate."""
    return Space(
        {
            "a": Float(0, 1),
            "b": Float(1e-4, 1.0, log=True),
            "c": Integer(1, 100, log=True),
            "d": Float(0, 1, step=0.1),
        }
    )


def everything():
    """Return a space with a domain of each kind, conditional ones too."""
    return Space(
        {
            "rate": Float(1e-5, 1e-1, log=True),
            "optimizer": Categorical(
                ["sgd", "adam", None],
                when={
                    "sgd": {
                        "momentum": Float(0, 0.99),
                        "nesterov": Categorical(
                            [True, False], when={True: {"damping": Float(0, 1)}}
                        ),
                    },
                    "adam": {"beta": Float(0.8, 0.999)},
                },
            ),
            "kernel": Categorical([(3, 3), (5, 5), "none", 1, True, 1.0]),
            "size": Ordinal([16, 64, 65, 1024]),
            "depth": Integer(2, 20, step=3),
            "units": Integer(1, 1000, log=True),
            "drop": Float(0, 0.5, step=0.1),
            "decay": Float(0.1, 2.0, step=0.1, log=True),
            "huge": Integer(10**30, 10**30 + 3),
            "wide": Float(-1.7e308, 1.7e308),
            "thirds": Float(0.1, 1.2, step=1 / 3),
            "single": Float(0.1, 0.1, step=0.1, log=True),
            "fixed": Constant("x"),
            "only": Float(3, 3),
            "widths": FixedList([Integer(1, 4), Ordinal([8, 16])]),
        }
    )


def countable():
    """Return a conditional space of 21 configurations."""
    return Space(
        {
            "kind": Categorical(
                ["a", "b", "c"],
                when={"a": {"n": Integer(0, 2)}, "b": {"s": Ordinal(["x", "y", "z"])}},
            ),
            "step": Float(0, 1, step=0.5),
        }
    )

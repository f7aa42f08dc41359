"""Parameters that are ready, and gradients for them."""

from espalier_gp.gluon import Parameter


def made(**kwargs):
    parameter = Parameter("w", **{"shape": (2, 3), "init": 0.5, **kwargs})
    parameter.initialize()
    return parameter


def backward(parameter, factor=1.0):
    (factor * parameter.data().square()).sum().backward()

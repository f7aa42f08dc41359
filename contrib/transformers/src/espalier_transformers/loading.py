"""Load what was exported, also where no configuration class can say what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import transformers
from transformers import AutoConfig, PreTrainedModel

from espalier.errors import StateError

from .shaping import KEY, fill, shape


if TYPE_CHECKING:
    import os


def from_pretrained(
    path: str | os.PathLike[str], model_class: Any = None, **settings: Any
) -> PreTrainedModel:
    """
    Load a model that was exported and written with ``save_pretrained``.

    Args:
        path: What ``from_pretrained`` of the library takes.

        model_class: A model class or an ``Auto`` class. The class that was saved when left out.

        settings: What ``from_pretrained`` of the library takes besides.

    Returns:
        A plain model. Where its configuration says it all, it is what the library returns.

    Raises:
        StateError: If the configuration is that of another model.

        OSError: If there is no such model.
    """
    config = settings.pop("config", None) or AutoConfig.from_pretrained(path)
    plain = _class_of(config, model_class)
    rest = getattr(config, KEY, None)
    if not rest:
        loaded: PreTrainedModel = plain.from_pretrained(path, config=config, **settings)
        return loaded

    def __init__(self: PreTrainedModel, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        plain.__init__(self, *args, **kwargs)
        shape(self, rest)

    # The library builds a model and fills it in one call; between the two, it gets its shapes.
    names = {"__init__": __init__, "__module__": plain.__module__}
    shaped: Any = type(plain.__name__, (plain,), names)
    made: PreTrainedModel = shaped.from_pretrained(path, config=config, **settings)
    made.__class__ = plain
    fill(made, rest)
    return made


def _class_of(config: Any, model_class: Any) -> type[PreTrainedModel]:
    if isinstance(model_class, type) and issubclass(model_class, PreTrainedModel):
        return model_class
    if model_class is not None:
        found: Any = model_class._model_mapping[type(config)]  # noqa: SLF001 - there is no other way
        return found[0] if isinstance(found, (list, tuple)) else found
    for name in getattr(config, "architectures", None) or ():
        named = getattr(transformers, name, None)
        if named is not None:
            return named
    raise StateError(
        f"{type(config).__name__} must name the class of its model in 'architectures'; it names "
        f"{getattr(config, 'architectures', None)!r}. Pass model_class=."
    )

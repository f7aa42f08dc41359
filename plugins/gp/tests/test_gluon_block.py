"""Blocks, their names and their children."""

import copy
import pickle
import threading

import pytest
import torch

from espalier_gp import gluon
from espalier_gp.gluon import Block, GluonError, Parameter


class Dense(Block):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get("weight", shape=(units, 2), init=1.0)
        self.bias = self.params.get("bias", shape=(units,), init="zeros")

    def forward(self, x):
        return x @ self.weight.data().mT + self.bias.data()


class Model(Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.dense0 = Dense()
            self.dense1 = Dense()

    def forward(self, x):
        return self.dense1(self.dense0(x))


def test_names_are_made_of_classes_and_numbers():
    """
    Children made in a scope have its prefix, and each a number that its neighbours do not have.
    """
    model = Model(prefix="model_")
    assert "model_" == model.prefix
    assert "model" == model.name
    assert ["model_dense0_", "model_dense1_"] == [model.dense0.prefix, model.dense1.prefix]
    assert [
        "model_dense0_weight",
        "model_dense0_bias",
        "model_dense1_weight",
        "model_dense1_bias",
    ] == list(model.collect_params())


def test_counters_are_of_the_scope_and_the_hint():
    """
    A second model counts anew; outside of all scopes no name is given twice.
    """
    assert Model(prefix="a_").dense1.prefix.removeprefix("a_") == "dense1_"
    assert Model(prefix="b_").dense1.prefix.removeprefix("b_") == "dense1_"
    assert Model().prefix != Model().prefix
    model = Model(prefix="c_")
    with model.name_scope():
        assert "c_dense2_" == Dense().prefix
        assert "c_own_" == Dense(prefix="own_").prefix


def test_children_of_blocks_without_a_prefix_count_on():
    """
    In the scope around them, or outside of all, so that no name is given twice.
    """

    class Group(Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.dense = Dense()

    model = Model(prefix="m_")
    with model.name_scope():
        model.first = Group(prefix="")
        model.second = Group(prefix="")
        model.last = Dense()
    assert ["m_", "m_"] == [model.first.prefix, model.second.prefix]
    assert [f"m_dense{n}_weight" for n in range(5)] == list(model.collect_params(".*weight"))
    assert Group(prefix="").dense.prefix != Group(prefix="").dense.prefix


def test_scopes_are_of_one_thread():
    """
    What another thread makes meanwhile is in none.
    """
    made = []
    with Model(prefix="scope_").name_scope():
        thread = threading.Thread(target=lambda: made.append(Dense().prefix))
        thread.start()
        thread.join()
    assert not made[0].startswith("scope_")


def test_params_are_its_own_only():
    """
    Those of children are collected, not owned.
    """
    model = Model()
    assert [] == list(model.params)
    assert 2 == len(model.dense0.params)
    assert 4 == len(model.collect_params())


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (".*weight", {"m_dense0_weight", "m_dense1_weight"}),
        ("m_dense0_weight|m_dense1_bias", {"m_dense0_weight", "m_dense1_bias"}),
        ("weight", set()),
        ("", {f"m_dense{n}_{kind}" for n in (0, 1) for kind in ("weight", "bias")}),
    ],
)
def test_collecting_selects_by_regular_expressions(select, expected):
    """
    They match from the beginning of a name.
    """
    assert expected == set(Model(prefix="m_").collect_params(select))


def test_parameters_are_shared_by_params():
    """
    A block given those of another uses them, whichever trains them.
    """
    first = Dense(prefix="first_")
    second = Dense(params=first.collect_params(), prefix="second_")
    assert first.weight is second.weight
    first.initialize()
    first.weight.set_data([[2.0, 0.0], [0.0, 2.0]])

    assert [[2.0, 4.0]] == second(torch.tensor([[1.0, 2.0]], dtype=torch.float64)).tolist()
    assert ["first_weight", "first_bias"] == list(second.collect_params())


def test_parameters_of_children_are_shared_too():
    """
    Under the names that they have, whatever prefix the other block has.
    """
    first = Model(prefix="first_")
    second = Model(params=first.collect_params(), prefix="second_")
    assert second.dense1.weight is first.dense1.weight
    assert list(first.collect_params()) == list(second.collect_params())


def test_a_shared_parameter_must_be_as_asked_for():
    """
    The message names it, what it is, and what was asked for.
    """
    first = Dense(prefix="first_")
    with pytest.raises(GluonError, match=r"first_weight: the shape .*\(2, 2\).*\(3, 2\)"):
        Dense(units=3, params=first.collect_params())


def test_a_child_is_replaced_by_a_block_only():
    """
    An attribute that is a block stays one, and its parameters are those of the new one.
    """
    model = Model(prefix="model_")
    with pytest.raises(GluonError, match=r"model\.dense0: is a Block and must stay one, got 3"):
        model.dense0 = 3
    model.dense0 = Dense(prefix="other_")

    assert "other_weight" in model.collect_params()
    assert "model_dense0_weight" not in model.collect_params()


def test_children_can_be_registered_by_hand():
    """
    With a name or without; only blocks can.
    """
    model = Block(prefix="list_")
    model.register_child(Dense(prefix="a_"))
    model.register_child(Dense(prefix="b_"), "last")

    assert ["0", "last"] == list(model.children)
    assert 4 == len(model.collect_params())
    with pytest.raises(GluonError, match="a child must be a Block, got 'dense'"):
        model.register_child("dense")


def test_a_child_without_a_name_replaces_none():
    """
    Its number is one that is free.
    """
    model = Block(prefix="list_")
    first, second = Dense(), Dense()
    model.register_child(first, "1")
    model.register_child(second)
    assert {"1": first, "2": second} == model.children


@pytest.mark.parametrize("value", [Dense(), Parameter("early", shape=(1,))])
def test_what_is_assigned_too_early_is_refused(value):
    """
    With what to call first; what is neither a block nor a parameter can be assigned.
    """

    class Early(Block):
        def __init__(self):
            self.size = 3
            self.part = value
            super().__init__()

    with pytest.raises(GluonError, match=r"Early\.part: .*super\(\).__init__\(\)"):
        Early()


def test_two_parameters_of_one_name_are_refused():
    """
    When they are collected: the name, both, and what to do.
    """
    model = Block(prefix="both_")
    model.register_child(Dense(units=2, prefix="same_"))
    model.register_child(Dense(units=3, prefix="same_"))
    with pytest.raises(GluonError, match=r"two parameters are named 'same_weight'.*prefix"):
        model.collect_params()


def test_parameters_assigned_to_attributes_are_collected():
    """
    As those are that the dict made.
    """
    model = Block(prefix="own_")
    model.scale = Parameter("scale", shape=(1,))
    assert ["scale"] == list(model.collect_params())
    with pytest.raises(GluonError, match="must stay one"):
        model.scale = None


def test_apply_comes_to_children_first():
    """
    And returns the block.
    """
    model, seen = Model(), []
    assert model is model.apply(seen.append)
    assert [model.dense0, model.dense1, model] == seen


def test_initialize_begins_all():
    """
    A general initializer is for those that have none of their own; what has data is kept.
    """
    model = Model()
    model.initialize(init=7.0)
    assert model.dense0.weight.data().eq(1.0).all()
    model.dense0.weight.set_data(3.0)
    model.initialize()
    assert model.dense0.weight.data().eq(3.0).all()
    model.initialize(force_reinit=True, verbose=True)
    assert model.dense0.weight.data().eq(1.0).all()


def test_cast_turns_all():
    """
    Gradients, too.
    """
    model = Model()
    model.initialize()
    model.cast("float32")
    assert {torch.float32} == {one.data().dtype for one in model.collect_params().values()}
    assert torch.float32 == model.dense0.weight.grad().dtype
    with pytest.raises(GluonError, match="floating-point numbers"):
        model.cast("int64")


def test_gradients_are_those_of_torch():
    """
    Through blocks within blocks.
    """
    model = Model()
    model.initialize()
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    model(x).sum().backward()
    weight, bias = (torch.ones(2, 2).double().requires_grad_(), torch.zeros(2).double())
    other = torch.ones(2, 2).double()
    ((x @ weight.mT + bias) @ other.mT).sum().backward()

    assert torch.equal(weight.grad, model.dense0.weight.grad())


def test_hybridize_compiles_and_goes_back():
    """
    What comes out is the same; what torch.compile is told arrives there.
    """
    model = Model()
    model.initialize()
    x = torch.rand(3, 2, dtype=torch.float64)
    expected = model(x)
    seen = []

    def backend(graph, inputs):
        del inputs
        seen.append(graph)
        return graph.forward

    model.hybridize(backend=backend)
    torch.testing.assert_close(expected, model(x))
    assert seen
    count = len(seen)
    model.hybridize(active=False)
    torch.testing.assert_close(expected, model(x))
    assert count == len(seen)


def test_what_is_compiled_may_tell_a_shape():
    """
    Then the parameter is made at the first call.
    """

    class Inferring(Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.weight = self.params.get("weight", init="ones", allow_deferred_init=True)

        def forward(self, x):
            self.weight.shape = (1, x.shape[-1])
            return x @ self.weight.data().mT

    model = Inferring()
    model.initialize()
    model.hybridize(backend="eager")
    for _ in range(2):
        model(torch.ones(3, 2, dtype=torch.float64)).sum().backward()
    assert model.weight.grad().eq(3.0).all()


def test_a_block_without_forward_says_so():
    """
    It may be called hybrid_forward, too.
    """

    class Empty(Block):
        pass

    class Hybrid(Block):
        def hybrid_forward(self, x):
            return x + 1

    with pytest.raises(GluonError, match=r"Empty: must have a method forward"):
        Empty()(1)
    assert 2 == Hybrid()(1)
    with pytest.raises(TypeError):
        Hybrid()(x=1)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies_are_on_their_own(copied):
    """
    With the same numbers, and gradients of their own.
    """
    model = Model()
    model.initialize()
    model.dense0.weight.set_data(2.0)
    other = copied(model)
    other.dense0.weight.set_data(5.0)
    other(torch.ones(1, 2, dtype=torch.float64)).sum().backward()

    assert model.dense0.weight.data().eq(2.0).all()
    assert model.dense0.weight.grad().eq(0.0).all()
    assert other.dense0.weight.grad().ne(0.0).all()


def test_a_block_shows_its_tree():
    """
    Names of attributes and classes.
    """
    assert "Model(\n  (dense0): Dense()\n  (dense1): Dense()\n)" == repr(Model())


def test_a_bad_expression_is_refused():
    """
    With what came.
    """
    for select in ("(", 3):
        with pytest.raises(GluonError, match="select must be a regular expression"):
            Model().collect_params(select)


def test_everything_is_exported():
    """
    What the seed names is found.
    """
    assert {"Block", "Parameter", "ParameterDict"} <= set(gluon.__all__)
    assert all(hasattr(gluon, name) for name in gluon.__all__)

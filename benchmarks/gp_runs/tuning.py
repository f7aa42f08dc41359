"""Hyper-parameters of scikit-learn's models on its own data."""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from .parameters import Choice, Config, Number, Parameters


SVM: Parameters = {
    "c": Number(1e-3, 1e3, log=True),
    "gamma": Number(1e-5, 10.0, log=True),
    "kernel": Choice(("rbf", "poly", "sigmoid")),
    "degree": Number(2, 5, whole=True),
    "coef0": Number(0.0, 1.0),
}

MLP: Parameters = {
    "alpha": Number(1e-6, 1.0, log=True),
    "rate": Number(1e-4, 1e-1, log=True),
    "width": Number(4, 64, log=True, whole=True),
    "depth": Number(1, 3, whole=True),
    "activation": Choice(("relu", "tanh", "logistic")),
    "batch": Number(16, 128, log=True, whole=True),
}


def svm(config: Config) -> float:
    """Return the cross-validated cross-entropy of a support-vector machine on digits."""
    data, labels = load_digits(return_X_y=True)
    some = np.random.default_rng(0).permutation(len(data))[:400]
    model = SVC(
        C=float(config["c"]),
        gamma=float(config["gamma"]),
        kernel=str(config["kernel"]),
        degree=int(config["degree"]),
        coef0=float(config["coef0"]),
        cache_size=50,
    )
    return _loss(model, data[some], labels[some])


def mlp(config: Config) -> float:
    """Return the cross-validated loss of a small network on the data of breast cancer."""
    data, labels = load_breast_cancer(return_X_y=True)
    model = MLPClassifier(
        hidden_layer_sizes=(int(config["width"]),) * int(config["depth"]),
        activation=str(config["activation"]),
        alpha=float(config["alpha"]),
        learning_rate_init=float(config["rate"]),
        batch_size=int(config["batch"]),
        max_iter=8,
        random_state=0,
    )
    return _loss(model, data, labels)


def _loss(model: SVC | MLPClassifier, data: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of three folds; an SVM's is of a softmax of its decisions."""
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = "neg_log_loss" if isinstance(model, MLPClassifier) else _margin
        scores = cross_val_score(
            make_pipeline(StandardScaler(), model), data, labels, cv=folds, scoring=kind
        )
    return float(-scores.mean())


def _margin(model: SVC, data: np.ndarray, labels: np.ndarray) -> float:
    """Return how likely the labels are by a softmax of the decisions."""
    decisions = model.decision_function(data)
    shifted = decisions - decisions.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(logs[np.arange(len(labels)), labels].mean())

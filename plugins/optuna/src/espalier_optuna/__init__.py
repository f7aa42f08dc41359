"""Optuna's samplers, storages, pruners and pictures, for Espalier's studies."""

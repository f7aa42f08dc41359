"""What this distribution offers: one converter per layer type of `torch.nn`."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import ConverterOffer


ESPALIER_API = (1, 0)

#: Module of the converters, the layer types it serves, and what can change in them.
_LAYERS = (
    ("conv", ("Conv1d", "Conv2d", "Conv3d"), "Channels, groups and kernel."),
    (
        "conv_transpose",
        ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
        "Channels, groups and kernel.",
    ),
    ("containers", ("Sequential", "ModuleList"), "Number of blocks."),
    ("linear", ("Linear",), "Input and output features."),
    ("bilinear", ("Bilinear",), "Input and output features."),
    ("embedding", ("Embedding", "EmbeddingBag"), "Length of the vectors."),
    (
        "recurrent",
        ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell"),
        "Hidden and input features.",
    ),
    ("multihead_attention", ("MultiheadAttention",), "Heads and their size."),
    ("transformer", ("Transformer",), "Width of the model."),
    ("prelu", ("PReLU",), "Channels."),
    ("batch_norm", ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), "Channels."),
    ("instance_norm", ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), "Channels."),
    ("layer_norm", ("LayerNorm",), "Normalised features."),
    ("rms_norm", ("RMSNorm",), "Normalised features."),
    ("group_norm", ("GroupNorm",), "Channels, in whole groups."),
)


@hookimpl
def espalier_converters() -> Iterator[ConverterOffer]:
    for module, layers, summary in _LAYERS:
        for layer in layers:
            target = f"espalier_layers.{module}:Dynamic{layer}"
            yield ConverterOffer(f"torch.nn.{layer}", target, summary)

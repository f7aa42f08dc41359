"""LoRA adapters by peft on exported models."""

import copy

import peft
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import espalier


IDS = torch.randint(3, 40, (2, 6), generator=torch.Generator().manual_seed(0))
INPUTS = {"input_ids": IDS, "use_cache": False}

# peft asks transformers for a property under a name that will go.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def exported():
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=40,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config).eval()
    espalier.convert(model, inputs=INPUTS)
    space = espalier.space(model)
    space.select(space.min())
    return espalier.export(model)


def run(model):
    with torch.no_grad():
        return model.eval()(**INPUTS).logits


def adapted(model):
    settings = peft.LoraConfig(
        target_modules=["q_proj", "v_proj", "up_proj"], r=4, init_lora_weights=False
    )
    return peft.get_peft_model(model, settings)


def test_only_the_adapters_of_an_exported_model_train(tmp_path):
    """
    One step changes them and nothing else; saved and loaded they compute the same.
    """
    base = exported()
    before = run(base)
    model = adapted(copy.deepcopy(base))
    held = {name: value.clone() for name, value in model.state_dict().items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    model.train()(**INPUTS).logits.square().mean().backward()
    torch.optim.SGD(trained, lr=0.1).step()
    moved = [n for n, value in model.state_dict().items() if not torch.equal(held[n], value)]
    expected = run(model)
    model.save_pretrained(tmp_path)
    loaded = peft.PeftModel.from_pretrained(base, tmp_path)

    assert moved
    assert all("lora_" in name for name in moved)
    assert not torch.equal(before, expected)
    assert torch.equal(expected, run(loaded))


def test_merged_adapters_leave_the_plain_small_model():
    """
    Of the classes and shapes that the export gave.
    """
    base = exported()
    shapes = {name: tensor.shape for name, tensor in base.state_dict().items()}
    model = adapted(copy.deepcopy(base))
    expected = run(model)
    merged = model.merge_and_unload()

    assert type(base) is type(merged)
    assert shapes == {name: tensor.shape for name, tensor in merged.state_dict().items()}
    torch.testing.assert_close(run(merged), expected, rtol=1e-4, atol=1e-5)

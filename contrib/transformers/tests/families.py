"""Small random models of many families, with what they are called with."""

import torch
import transformers as hf


TEXT = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 160,
    "vocab_size": 101,
    "max_position_embeddings": 64,
}
OLD = {"vocab_size": 101, "n_embd": 96, "n_layer": 2, "n_head": 4, "n_positions": 64}
GROUPED = {
    **TEXT,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 48, "num_experts": 4}
IDS = {"input_ids": torch.arange(24).reshape(2, 12) % 90 + 3}
IMAGE = {"pixel_values": torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)}
SMALL_IMAGE = {"image_size": 32, "patch_size": 8, "hidden_size": 96, "num_hidden_layers": 2,
               "num_attention_heads": 4, "intermediate_size": 160}  # fmt: skip
SEQUENCES = {**IDS, "decoder_input_ids": IDS["input_ids"][:, :7]}
D_MODEL = {"d_model": 96, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
           "decoder_attention_heads": 4, "encoder_ffn_dim": 160, "decoder_ffn_dim": 160,
           "vocab_size": 101, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1,
           "eos_token_id": 2, "decoder_start_token_id": 1}  # fmt: skip

#: Family to model class, configuration class, its arguments, and inputs.
FAMILIES = {
    "bert": (hf.BertForMaskedLM, hf.BertConfig, TEXT, IDS),
    "roberta": (hf.RobertaForMaskedLM, hf.RobertaConfig, TEXT, IDS),
    "deberta": (
        hf.DebertaV2Model,
        hf.DebertaV2Config,
        {
            **TEXT,
            "relative_attention": True,
            "position_buckets": 8,
            "pos_att_type": ["p2c", "c2p"],
        },
        IDS,
    ),
    "distilbert": (
        hf.DistilBertForMaskedLM,
        hf.DistilBertConfig,
        {
            "dim": 96,
            "n_layers": 2,
            "n_heads": 4,
            "hidden_dim": 160,
            "vocab_size": 101,
            "max_position_embeddings": 64,
        },
        IDS,
    ),
    "albert": (hf.AlbertModel, hf.AlbertConfig, {**TEXT, "embedding_size": 48}, IDS),
    "electra": (hf.ElectraModel, hf.ElectraConfig, {**TEXT, "embedding_size": 48}, IDS),
    "mpnet": (hf.MPNetModel, hf.MPNetConfig, TEXT, IDS),
    "modernbert": (
        hf.ModernBertModel,
        hf.ModernBertConfig,
        {
            **TEXT,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "cls_token_id": 1,
            "sep_token_id": 2,
        },
        IDS,
    ),
    "gpt2": (
        hf.GPT2LMHeadModel,
        hf.GPT2Config,
        {**OLD, "bos_token_id": 1, "eos_token_id": 2},
        IDS,
    ),
    "gpt_neo": (
        hf.GPTNeoForCausalLM,
        hf.GPTNeoConfig,
        {
            "hidden_size": 96,
            "num_layers": 2,
            "num_heads": 4,
            "vocab_size": 101,
            "max_position_embeddings": 64,
            "attention_types": [[["global", "local"], 1]],
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        IDS,
    ),
    "gpt_neox": (hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig, TEXT, IDS),
    "gptj": (
        hf.GPTJForCausalLM,
        hf.GPTJConfig,
        {**OLD, "rotary_dim": 8, "bos_token_id": 1, "eos_token_id": 2},
        IDS,
    ),
    "opt": (
        hf.OPTForCausalLM,
        hf.OPTConfig,
        {
            "hidden_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 160,
            "vocab_size": 101,
            "max_position_embeddings": 64,
            "word_embed_proj_dim": 96,
        },
        IDS,
    ),
    "bloom": (
        hf.BloomForCausalLM,
        hf.BloomConfig,
        {"hidden_size": 96, "n_layer": 2, "n_head": 4, "vocab_size": 101},
        IDS,
    ),
    "falcon": (
        hf.FalconForCausalLM,
        hf.FalconConfig,
        {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 101},
        IDS,
    ),
    "mpt": (
        hf.MptForCausalLM,
        hf.MptConfig,
        {"d_model": 96, "n_heads": 4, "n_layers": 2, "vocab_size": 101, "max_seq_len": 64},
        IDS,
    ),
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig, GROUPED, IDS),
    "mistral": (hf.MistralForCausalLM, hf.MistralConfig, GROUPED, IDS),
    "mixtral": (hf.MixtralForCausalLM, hf.MixtralConfig, {**GROUPED, "num_local_experts": 4}, IDS),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config, GROUPED, IDS),
    "qwen2_moe": (
        hf.Qwen2MoeForCausalLM,
        hf.Qwen2MoeConfig,
        {**GROUPED, **EXPERTS, "shared_expert_intermediate_size": 40},
        IDS,
    ),
    "qwen3": (hf.Qwen3ForCausalLM, hf.Qwen3Config, {**GROUPED, "head_dim": 16}, IDS),
    "qwen3_moe": (
        hf.Qwen3MoeForCausalLM,
        hf.Qwen3MoeConfig,
        {**GROUPED, **EXPERTS, "head_dim": 16},
        IDS,
    ),
    "phi": (hf.PhiForCausalLM, hf.PhiConfig, TEXT, IDS),
    "phi3": (hf.Phi3ForCausalLM, hf.Phi3Config, GROUPED, IDS),
    "gemma": (hf.GemmaForCausalLM, hf.GemmaConfig, {**GROUPED, "head_dim": 16}, IDS),
    "gemma2": (hf.Gemma2ForCausalLM, hf.Gemma2Config, {**GROUPED, "head_dim": 16}, IDS),
    "gemma3": (hf.Gemma3ForCausalLM, hf.Gemma3TextConfig, {**GROUPED, "head_dim": 16}, IDS),
    "stablelm": (hf.StableLmForCausalLM, hf.StableLmConfig, GROUPED, IDS),
    "cohere": (hf.CohereForCausalLM, hf.CohereConfig, GROUPED, IDS),
    "olmo2": (hf.Olmo2ForCausalLM, hf.Olmo2Config, GROUPED, IDS),
    "deepseek_v3": (
        hf.DeepseekV3ForCausalLM,
        hf.DeepseekV3Config,
        {
            **TEXT,
            "num_key_value_heads": 4,
            "q_lora_rank": 32,
            "kv_lora_rank": 24,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 16,
            "v_head_dim": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 2,
            "topk_group": 1,
            "first_k_dense_replace": 1,
            "moe_intermediate_size": 48,
            "n_shared_experts": 1,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        IDS,
    ),
    "mamba": (
        hf.MambaForCausalLM,
        hf.MambaConfig,
        {"hidden_size": 48, "num_hidden_layers": 2, "vocab_size": 101, "state_size": 8},
        IDS,
    ),
    "mamba2": (
        hf.Mamba2ForCausalLM,
        hf.Mamba2Config,
        {
            "hidden_size": 48,
            "num_hidden_layers": 2,
            "vocab_size": 101,
            "state_size": 8,
            "num_heads": 6,
            "head_dim": 16,
            "n_groups": 2,
            "chunk_size": 8,
        },
        IDS,
    ),
    "t5": (
        hf.T5ForConditionalGeneration,
        hf.T5Config,
        {
            "d_model": 96,
            "d_kv": 16,
            "d_ff": 160,
            "num_layers": 2,
            "num_heads": 4,
            "vocab_size": 101,
            "decoder_start_token_id": 0,
        },
        SEQUENCES,
    ),
    "bart": (hf.BartForConditionalGeneration, hf.BartConfig, D_MODEL, SEQUENCES),
    "pegasus": (hf.PegasusForConditionalGeneration, hf.PegasusConfig, D_MODEL, SEQUENCES),
    "mbart": (hf.MBartForConditionalGeneration, hf.MBartConfig, D_MODEL, SEQUENCES),
    "whisper": (
        hf.WhisperForConditionalGeneration,
        hf.WhisperConfig,
        {**D_MODEL, "num_mel_bins": 16, "max_source_positions": 20, "max_target_positions": 32},
        {
            "input_features": torch.linspace(-1, 1, 2 * 16 * 40).reshape(2, 16, 40),
            "decoder_input_ids": IDS["input_ids"][:, :7],
        },
    ),
    "wav2vec2": (
        hf.Wav2Vec2Model,
        hf.Wav2Vec2Config,
        {
            "hidden_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 160,
            "conv_dim": (32, 32),
            "conv_stride": (5, 2),
            "conv_kernel": (10, 3),
            "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 4,
        },
        {"input_values": torch.linspace(-1, 1, 800).reshape(2, 400)},
    ),
    "vit": (hf.ViTModel, hf.ViTConfig, SMALL_IMAGE, IMAGE),
    "deit": (hf.DeiTModel, hf.DeiTConfig, SMALL_IMAGE, IMAGE),
    "beit": (hf.BeitModel, hf.BeitConfig, SMALL_IMAGE, IMAGE),
    "swin": (
        hf.SwinModel,
        hf.SwinConfig,
        {
            "image_size": 32,
            "patch_size": 2,
            "embed_dim": 24,
            "depths": [2, 2],
            "num_heads": [2, 4],
            "window_size": 4,
        },
        IMAGE,
    ),
    "convnext": (
        hf.ConvNextForImageClassification,
        hf.ConvNextConfig,
        {"hidden_sizes": [16, 24, 32, 48], "depths": [1, 1, 2, 1]},
        IMAGE,
    ),
    "resnet": (
        hf.ResNetForImageClassification,
        hf.ResNetConfig,
        {
            "embedding_size": 16,
            "hidden_sizes": [16, 24, 32, 48],
            "depths": [1, 1, 2, 1],
            "layer_type": "basic",
        },
        IMAGE,
    ),
    "segformer": (
        hf.SegformerForSemanticSegmentation,
        hf.SegformerConfig,
        {
            "hidden_sizes": [16, 24, 32, 48],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 4, 4],
            "decoder_hidden_size": 32,
        },
        IMAGE,
    ),
    "clip": (
        hf.CLIPVisionModelWithProjection,
        hf.CLIPVisionConfig,
        {**SMALL_IMAGE, "projection_dim": 40},
        IMAGE,
    ),
    "siglip": (hf.SiglipVisionModel, hf.SiglipVisionConfig, SMALL_IMAGE, IMAGE),
}


def build(family, seed=0, **changes):
    model_class, config_class, settings, inputs = FAMILIES[family]
    torch.manual_seed(seed)
    return model_class(config_class(**{**settings, **changes})).eval(), dict(inputs)


def output(model, inputs):
    with torch.no_grad():
        return model(**inputs)[0]

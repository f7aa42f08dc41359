"""Language models of transformers, by class: the arguments of their configurations."""

from typing import Any


#: The sizes of a model whose configuration has the usual names.
USUAL = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 160,
    "vocab_size": 101,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
#: Two queries for each key.
GROUPED = {**USUAL, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2}
#: Heads that are no equal parts of the hidden size.
HEADED = {**GROUPED, "head_dim": 16}
#: Six experts, of which each token sees two.
EXPERTS = {"moe_intermediate_size": 40, "num_experts": 6, "num_experts_per_tok": 2}

ENCODERS: dict[str, dict[str, Any]] = {
    "BertForMaskedLM": USUAL,
    "RobertaForMaskedLM": USUAL,
    "DebertaV2ForMaskedLM": {
        **USUAL,
        "relative_attention": True,
        "position_buckets": 8,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
    },
    "DistilBertForMaskedLM": {
        "dim": 96,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 160,
        "vocab_size": 101,
        "max_position_embeddings": 64,
    },
    "AlbertForMaskedLM": {**USUAL, "embedding_size": 40},
    "ElectraForMaskedLM": {**USUAL, "embedding_size": 40},
    "MPNetForMaskedLM": USUAL,
    "ModernBertForMaskedLM": {
        **USUAL,
        "num_hidden_layers": 3,
        "local_attention": 6,
        "cls_token_id": 1,
        "sep_token_id": 2,
    },
}

DECODERS: dict[str, dict[str, Any]] = {
    "GPT2LMHeadModel": {
        "n_embd": 96,
        "n_layer": 2,
        "n_head": 4,
        "n_inner": 160,
        "vocab_size": 101,
        "n_positions": 64,
    },
    "GPTNeoForCausalLM": {
        "hidden_size": 96,
        "num_layers": 2,
        "num_heads": 4,
        "intermediate_size": 160,
        "vocab_size": 101,
        "max_position_embeddings": 64,
        "attention_types": [[["global", "local"], 1]],
        "window_size": 6,
    },
    "GPTNeoXForCausalLM": USUAL,
    "GPTJForCausalLM": {
        "n_embd": 96,
        "n_layer": 2,
        "n_head": 4,
        "n_inner": 160,
        "rotary_dim": 8,
        "vocab_size": 101,
        "n_positions": 64,
    },
    "OPTForCausalLM": {**USUAL, "ffn_dim": 160, "word_embed_proj_dim": 40},
    "BloomForCausalLM": {"hidden_size": 96, "n_layer": 2, "n_head": 4, "vocab_size": 101},
    "FalconForCausalLM": {
        **USUAL,
        "num_kv_heads": 2,
        "new_decoder_architecture": True,
        "ffn_hidden_size": 160,
    },
    "MptForCausalLM": {
        "d_model": 96,
        "n_heads": 4,
        "n_layers": 2,
        "vocab_size": 101,
        "max_seq_len": 64,
    },
    "LlamaForCausalLM": HEADED,
    "MistralForCausalLM": HEADED,
    "MixtralForCausalLM": {**HEADED, "num_local_experts": 6, "num_experts_per_tok": 2},
    "Qwen2ForCausalLM": GROUPED,
    "Qwen2MoeForCausalLM": {**GROUPED, **EXPERTS, "shared_expert_intermediate_size": 56},
    "Qwen3ForCausalLM": HEADED,
    "Qwen3MoeForCausalLM": {**HEADED, **EXPERTS},
    "PhiForCausalLM": GROUPED,
    "Phi3ForCausalLM": GROUPED,
    "GemmaForCausalLM": HEADED,
    "Gemma2ForCausalLM": {**HEADED, "sliding_window": 6, "query_pre_attn_scalar": 16},
    "Gemma3ForCausalLM": {**HEADED, "sliding_window": 6, "query_pre_attn_scalar": 16},
    "StableLmForCausalLM": GROUPED,
    "CohereForCausalLM": GROUPED,
    "Olmo2ForCausalLM": GROUPED,
    "DeepseekV3ForCausalLM": {
        **USUAL,
        "num_key_value_heads": 4,
        "moe_intermediate_size": 40,
        "n_routed_experts": 6,
        "num_experts_per_tok": 2,
        "n_group": 2,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "kv_lora_rank": 20,
        "q_lora_rank": 28,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 12,
        "v_head_dim": 14,
    },
    "MambaForCausalLM": {
        "hidden_size": 96,
        "state_size": 10,
        "num_hidden_layers": 2,
        "vocab_size": 101,
    },
    "Mamba2ForCausalLM": {
        "hidden_size": 96,
        "num_heads": 8,
        "head_dim": 24,
        "state_size": 10,
        "n_groups": 2,
        "chunk_size": 4,
        "num_hidden_layers": 2,
        "vocab_size": 101,
    },
    "RwkvForCausalLM": {
        "hidden_size": 96,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "vocab_size": 101,
        "context_length": 64,
    },
}

#: The sizes of an encoder and a decoder as BART names them.
TWO_SIDES = {
    "d_model": 96,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 160,
    "decoder_ffn_dim": 144,
    "vocab_size": 101,
    "max_position_embeddings": 64,
}
#: The same as T5 names them.
T5 = {
    "d_model": 96,
    "d_kv": 16,
    "d_ff": 160,
    "num_layers": 2,
    "num_heads": 4,
    "vocab_size": 101,
}

PAIRS: dict[str, dict[str, Any]] = {
    "T5ForConditionalGeneration": T5,
    "BartForConditionalGeneration": TWO_SIDES,
    "PegasusForConditionalGeneration": TWO_SIDES,
    "MBartForConditionalGeneration": TWO_SIDES,
}

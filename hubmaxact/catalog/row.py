"""One release as one flat row, for tables: the columns, their types and what they mean.

The annotations are the only list of columns; the Parquet schema follows from them. What is not
known is null, never zero.
"""

from typing import Annotated, Literal, TypedDict, get_type_hints

MEASURED = "measured"
PAPER = "reported by the paper"

Text = str | None
Whole = int | None
Real = float | None
Truth = bool | None
Trust = Literal["current", "stale", "copied", "unverified"]


class SubsetRow(TypedDict):
    """M over random subsets of one size."""

    size: int
    values: list[float]
    range_over_mean: float | None
    coefficient_of_variation: float | None


class LossRow(TypedDict):
    """What one way of rounding does to the model's own predictions; null where it was not measured.

    Loss and divergence are in nats for each token.
    """

    target: str
    format: str
    granularity: str
    policy: str
    num_samples: int | None
    change: float | None
    low: float | None
    high: float | None
    kl_divergence: float | None
    top1_agreement: float | None


class Row(TypedDict):
    """One release. `abs` stands in a name where the sign is dropped."""

    key: Annotated[str, "Unique name of the row; a Hub repo's is its id."]
    name: Annotated[str, "The release, for people: repo id, path in the folder, or paper's name."]
    source: Annotated[str, '"measured", or "reported by the paper".']
    trust: Annotated[
        str,
        "current: the repo holds the measured weights; stale: it holds others; copied: the report "
        "is another repo's; unverified: unknown.",
    ]
    copied_from: Annotated[Text, "Repo whose report or weights these are, when copied."]
    trust_detail: Annotated[Text, "Why it is stale or unverified, in a sentence."]
    repo_id: Annotated[Text, "From the Hub's listing, never from the report."]
    commit: Annotated[Text, "Commit of repo_id at which report and weights were read."]
    last_modified: Annotated[Text, "When repo_id last changed, as the Hub says (ISO 8601)."]
    model_id: Annotated[Text, "Repo id that the report claims."]
    model_commit: Annotated[Text, "Commit that the report claims to have measured."]
    report_sha256: Annotated[Text, "Digest of the report's bytes."]
    weights_digest: Annotated[Text, "One digest over the sha256 of all measured weight files."]

    family: Annotated[Text, "Model family."]
    model_type: Annotated[Text, "The config's model_type."]
    architecture: Annotated[Text, "dense or moe."]
    stage: Annotated[Text, "Training stage, such as base or instruct."]
    base_model: Annotated[Text, "Repo id it was made from."]
    tokens_trained: Annotated[Whole, "Tokens seen in training."]
    modalities: Annotated[list[str] | None, "Input modalities."]
    num_parameters: Annotated[Whole, "Parameters, counted."]
    num_active_parameters: Annotated[Whole, "Parameters used for one token, counted."]
    size: Annotated[Whole, "num_parameters, else parameters as the release's name says."]
    num_layers: Annotated[Whole, "Decoder layers."]
    hidden_size: Annotated[Whole, "Width of the residual stream."]
    weights_dtype: Annotated[Text, "Number format of most stored weights."]
    weights_quantization: Annotated[Text, "Quantization method of the stored weights."]
    dequantized: Annotated[Truth, "Whether quantized weights were expanded before the run."]
    remote_code: Annotated[Truth, "Whether the checkpoint's own code was run."]

    status: Annotated[Text, "complete, partial or non_finite; null when the source does not say."]
    num_missing: Annotated[Whole, "Expected tensors that were never seen."]
    max_value: Annotated[Real, "The value whose magnitude is M, with its sign."]
    abs_max: Annotated[Real, "M, without its sign."]
    bf16_step: Annotated[Real, "One bf16 step at M."]
    carrier_role: Annotated[Text, "Role of the tensor that holds M (the first of tied ones)."]
    carrier_layer: Annotated[Whole, "Its layer, from 0; null outside the layers."]
    carrier_part: Annotated[Text, "Its part, when a layer has several tensors of the role."]
    carrier_module: Annotated[Text, "Its module."]
    num_ties: Annotated[Whole, "Times M stands in that tensor."]
    num_carriers: Annotated[Whole, "Tensors that hold M."]
    tied_roles: Annotated[list[str] | None, "Roles of all tensors that hold M."]

    max_embedding: Annotated[Real, "Largest |a| of the role, signed."]
    max_hidden_state: Annotated[Real, "Largest |a| of the role, signed."]
    max_attention_output: Annotated[Real, "Largest |a| of the role, signed."]
    max_mlp_output: Annotated[Real, "Largest |a| of the role, signed."]
    max_mlp_gate: Annotated[Real, "Largest |a| of the role, signed."]
    max_router_logits: Annotated[Real, "Largest |a| of the role, signed."]
    max_final_norm: Annotated[Real, "Largest |a| of the role, signed."]
    hidden_state_by_layer: Annotated[list[float | None] | None, "abs_max of each layer, from 0."]
    attention_output_by_layer: Annotated[list[float | None] | None, "Likewise."]
    mlp_output_by_layer: Annotated[list[float | None] | None, "Likewise."]

    exceeds_float16: Annotated[Truth, "Whether a watched tensor exceeded its largest value."]
    exceeds_bfloat16: Annotated[Truth, "Likewise."]
    exceeds_float8_e4m3fn: Annotated[Truth, "Likewise; such formats are used scaled."]
    exceeds_float8_e5m2: Annotated[Truth, "Likewise; such formats are used scaled."]
    residual_exponent: Annotated[
        Whole, "n: scaled by 2^-n the residual stream stays within fp16; 0: it does as it is."
    ]
    num_left_beyond: Annotated[
        Whole, "Tensors beyond fp16 that no scaling of the residual stream changes."
    ]

    int8_max_abs_sqnr_db: Annotated[Real, "INT8 diagnostic at M, max-abs scale: SQNR in dB."]
    int8_max_abs_rel_rmse: Annotated[Real, "Likewise: root mean square error over the signal's."]
    int8_max_abs_rel_mae: Annotated[Real, "Likewise: mean absolute error over mean |x|."]
    int8_max_abs_clip_rate: Annotated[Real, "Likewise: share of values beyond the threshold."]
    int8_clip_sqnr_db: Annotated[Real, "INT8 diagnostic at M, clipped at the 0.999 quantile."]
    int8_clip_rel_rmse: Annotated[Real, "Likewise."]
    int8_clip_rel_mae: Annotated[Real, "Likewise."]
    int8_clip_clip_rate: Annotated[Real, "Likewise."]
    int8_max_abs_lowest_db: Annotated[Real, "Lowest SQNR (dB) of a hidden state, max-abs scale."]
    int8_max_abs_median_db: Annotated[Real, "Likewise: the median over the hidden states."]
    int8_max_abs_highest_db: Annotated[Real, "Likewise: the highest."]
    int8_max_abs_final_norm_db: Annotated[Real, "SQNR (dB) of the final norm, max-abs scale."]
    int8_clip_lowest_db: Annotated[Real, "Likewise, clipped at the 0.999 quantile."]
    int8_clip_median_db: Annotated[Real, "Likewise."]
    int8_clip_highest_db: Annotated[Real, "Likewise."]
    int8_clip_final_norm_db: Annotated[Real, "Likewise."]

    linear_int8_tensor_db: Annotated[
        Real, "SQNR (dB) of all linear inputs in INT8, a max-abs scale for each tensor."
    ]
    linear_int8_token_db: Annotated[Real, "Likewise, a scale for each token."]
    linear_fp8_tensor_db: Annotated[Real, "Likewise in FP8 E4M3, a scale for each tensor."]
    linear_fp8_token_db: Annotated[Real, "Likewise, a scale for each token."]
    linear_mxfp8_db: Annotated[Real, "Likewise in MXFP8."]
    linear_mxfp4_db: Annotated[Real, "Likewise in MXFP4."]
    linear_nvfp4_db: Annotated[Real, "Likewise in NVFP4."]
    kv_fp8_unscaled_db: Annotated[
        Real, "SQNR (dB) of keys or of values, the lower, in FP8 E4M3 with scale 1."
    ]
    kv_fp8_unscaled_clip_rate: Annotated[Real, "Likewise: the higher share of values beyond 448."]
    linear_int8_tensor_lowest_db: Annotated[
        Real, "SQNR (dB) of the linear input that is rounded worst, in INT8, a max-abs scale each."
    ]
    linear_int8_token_lowest_db: Annotated[Real, "Likewise, a scale for each token."]
    linear_fp8_tensor_lowest_db: Annotated[Real, "Likewise in FP8 E4M3, a scale for each tensor."]
    linear_fp8_token_lowest_db: Annotated[Real, "Likewise, a scale for each token."]
    linear_mxfp8_lowest_db: Annotated[Real, "Likewise in MXFP8."]
    linear_mxfp4_lowest_db: Annotated[Real, "Likewise in MXFP4."]
    linear_nvfp4_lowest_db: Annotated[Real, "Likewise in NVFP4."]
    kv_fp8_unscaled_lowest_db: Annotated[
        Real, "SQNR (dB) of the key or value that is rounded worst, in FP8 E4M3 with scale 1."
    ]
    linear_int8_tensor_lowest_module: Annotated[
        Text, "Module whose input that is, of the columns that end in lowest_db."
    ]
    linear_int8_token_lowest_module: Annotated[Text, "Likewise."]
    linear_fp8_tensor_lowest_module: Annotated[Text, "Likewise."]
    linear_fp8_token_lowest_module: Annotated[Text, "Likewise."]
    linear_mxfp8_lowest_module: Annotated[Text, "Likewise."]
    linear_mxfp4_lowest_module: Annotated[Text, "Likewise."]
    linear_nvfp4_lowest_module: Annotated[Text, "Likewise."]
    kv_fp8_unscaled_lowest_module: Annotated[Text, "Module of the attention whose key or value."]
    loss_unrounded: Annotated[Real, "Loss without rounding, nats a token, evaluation texts."]
    losses: Annotated[
        list[LossRow] | None, "Change of loss with rounding really applied, each way asked for."
    ]
    loss_worst_change: Annotated[
        Real, "Largest change of loss among the ways of deployment asked for: nats a token."
    ]
    loss_worst_low: Annotated[Real, "Likewise: the lower end of its interval."]
    loss_worst_high: Annotated[Real, "Likewise: the upper end, by which it is the largest."]
    loss_worst_way: Annotated[
        Text, "Likewise: what was rounded, and how: TARGET:FORMAT/GRANULARITY/POLICY."
    ]
    fit_fp8: Annotated[Text, "Verdict of the card on FP8 weights and activations, in a word."]
    fit_int8: Annotated[Text, "Likewise on INT8."]
    fit_4bit: Annotated[Text, "Likewise on 4-bit formats."]
    fit_kv_fp8: Annotated[Text, "Likewise on an FP8 cache without scales."]

    subsets: Annotated[list[SubsetRow] | None, "M over random subsets of the corpus."]
    abs_max_of_half: Annotated[Real, "Expected M of a random half of the texts, exactly."]
    abs_max_after_first_token: Annotated[Real, "M without the first token of each text."]
    inferred_low: Annotated[Real, "Inferred: M of ten times the texts is at least this (95 %)."]
    inferred_high: Annotated[Real, "Inferred: M of ten times the texts is at most this (95 %)."]

    protocol_key: Annotated[str, "Equal keys: equal protocols, so the rows can be compared."]
    profile: Annotated[Text, "Which roles were watched."]
    corpus_name: Annotated[Text, "Name of the corpus."]
    corpus_version: Annotated[Text, "Its version."]
    corpus_kind: Annotated[Text, "synthetic or natural."]
    corpus_digest: Annotated[Text, "Digest of the whole corpus."]
    num_samples: Annotated[Whole, "Texts read."]
    num_tokens: Annotated[Whole, "Tokens read."]
    max_seq_len: Annotated[Whole, "Texts are cut to this many tokens."]
    special_tokens: Annotated[Text, "as_tokenizer or none."]
    bos_added: Annotated[Truth, "Whether a text began with the BOS token."]
    dtype: Annotated[Text, "Number format of the forward pass."]
    attn_implementation: Annotated[Text, "Attention kernel."]
    experts_implementation: Annotated[Text, "Experts kernel."]
    batch_tokens: Annotated[Whole, "Budget of tokens in a batch."]
    calibration_samples: Annotated[Whole, "Texts that fix INT8 thresholds."]
    evaluation_samples: Annotated[Whole, "Texts that INT8 errors are summed over."]
    simulated_activations: Annotated[
        list[str] | None, "How linear inputs were rounded as served, simulated; null: not at all."
    ]
    hubmaxact: Annotated[Text, "Version that wrote the report."]
    device_name: Annotated[Text, "Device of the run."]

    in_paper_main: Annotated[Truth, "Whether the paper's main analysis counts it; null elsewhere."]
    notes: Annotated[list[str], "What a reader must know, such as sources that disagree."]


LOSS_FIGURES = ("change", "low", "high", "kl_divergence", "top1_agreement")
"""The real numbers of a row of losses."""

HINTS = get_type_hints(Row)
"""Column name to Python type, in order."""

DESCRIPTIONS = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Row, include_extras=True).items()
}
"""Column name to its meaning, in order."""

EMPTY: dict[str, object] = dict.fromkeys(HINTS) | {"notes": []}
"""A row in which nothing is known."""

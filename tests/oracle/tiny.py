"""Tiny checkpoints on disk: a configuration, random weights of a fixed seed, a real tokenizer.

Weights are far larger than an initializer's, so that activations differ and some stand out.
"""

import warnings

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    PreTrainedTokenizerFast,
)

from oracle import texts
from oracle.families import FAMILIES, HIDDEN, VOCABULARY

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
SPECIAL_TOKENS = [PAD, BOS, EOS, "<|endoftext|>"]  # the last: Qwen's tokenizer classes add it
BOS_ID = 1
SPIKE_CHANNEL, SPIKE = 5, 6016.0
WIDE = {"hidden_size": 256, "intermediate_size": 768, "moe_intermediate_size": 256, "head_dim": 32}
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def build(name, folder, *, bos=True, dtype="bfloat16", spike=False, seed=3, wide=False):
    """Write a checkpoint of family `name` into `folder` and return the folder.

    `bos`: the tokenizer puts <s> before each text. `spike`: <s> has one huge embedding channel,
    which every sample then repeats, through every layer of the residual stream. `wide`: matrices
    large enough for kernels to share one product among threads.
    """
    model = random_model(name, seed, WIDE if wide else {})
    if spike:
        with torch.no_grad():
            row = model.get_input_embeddings().weight[BOS_ID]
            row *= 0.1
            row[SPIKE_CHANNEL] = SPIKE
    model.to(DTYPES[dtype]).save_pretrained(folder)
    tokenizer(bos=bos).save_pretrained(folder)
    return folder


def load(folder, name, dtype):
    """Load a tiny checkpoint with transformers alone."""
    return auto_class(FAMILIES[name]).from_pretrained(folder, dtype=DTYPES[dtype]).eval()


def auto_class(family):
    """Return the class that transformers chooses a family's own with."""
    return AutoModelForImageTextToText if family.vision else getattr(transformers, family.auto)


def random_model(name, seed, changes=None):
    """Return a float32 model of the family with seeded weights."""
    family = FAMILIES[name]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        config = AutoConfig.for_model(family.model_type, **family.config | (changes or {}))
        model = auto_class(family).from_config(config, dtype=torch.float32).eval()
        _randomize(model)
    return model


def _randomize(model):
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0.0, 1.6 / HIDDEN**0.5)
            else:  # norms, gains and biases stay near what they were
                parameter.add_(torch.randn_like(parameter), alpha=0.1)


def tokenizer(*, bos=True):
    """Train a byte-level BPE tokenizer of at most VOCABULARY ids on the test texts."""
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain.train_from_iterator([row["text"] for row in texts.ROWS], trainer)
    if bos:
        plain.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, BOS_ID)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token=BOS, eos_token=EOS, pad_token=PAD
    )

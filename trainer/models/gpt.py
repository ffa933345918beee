"""Decoder-only transformer. Letters in shapes: B samples, T positions, W width, H heads, V vocabulary."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from trainer.data.samples import Data
from trainer.spec.train import GptConfig, TrainConfig


class Attention(nn.Module):
    """Causal self-attention: each position looks back on itself and what came before."""

    def __init__(self, options: GptConfig) -> None:
        super().__init__()
        self.heads, self.dropout = options.heads, options.dropout
        self.query_key_value = nn.Linear(options.width, 3 * options.width)
        self.out = nn.Linear(options.width, options.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (B, T, W) -> (B, T, W)
        batch, positions, width = x.shape
        split = self.query_key_value(x).view(batch, positions, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, H, T, W/H)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, positions, width))


class Layer(nn.Module):
    """Attention and a small MLP, each added to its input, each behind a norm."""

    def __init__(self, options: GptConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(options.width)
        self.attention = Attention(options)
        self.mlp_norm = nn.LayerNorm(options.width)
        self.mlp = nn.Sequential(
            nn.Linear(options.width, 4 * options.width),
            nn.GELU(),
            nn.Linear(4 * options.width, options.width),
        )
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (B, T, W) -> (B, T, W)
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Gpt(nn.Module):
    """Predicts the next token at every position. Input and output share one table of vectors."""

    def __init__(self, options: GptConfig, vocabulary: int) -> None:
        super().__init__()
        self.token_vectors = nn.Embedding(vocabulary, options.width)
        self.place_vectors = nn.Embedding(options.context, options.width)
        self.dropout = nn.Dropout(options.dropout)
        self.layers = nn.ModuleList(Layer(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.head = nn.Linear(options.width, vocabulary, bias=False)
        self.head.weight = self.token_vectors.weight
        self.register_buffer("places", torch.arange(options.context), persistent=False)
        self.apply(_initialise)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:  # (B, T) -> (B, T, V)
        places = self.places[: tokens.shape[1]]
        x = self.dropout(self.token_vectors(tokens) + self.place_vectors(places))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def build(config: TrainConfig, data: Data) -> nn.Module:
    """The GPT of `config.model.gpt` for `data`."""
    return Gpt(config.model.gpt, data.classes)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)

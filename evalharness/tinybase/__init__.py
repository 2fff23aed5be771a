"""The tiny base model that the demo fine-tunes: files for transformers' from_pretrained, no code."""

from pathlib import Path

PATH: Path = Path(__file__).parent

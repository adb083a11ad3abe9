"""Hugging Face models, tokenizers and adapters behind the interfaces of the course's own.

`transformers` and `peft` are loaded when a model of that kind is asked for, and never before.
"""

"""The window: a Gradio page on 127.0.0.1. The only part of the project that imports gradio."""

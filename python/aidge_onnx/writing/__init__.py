"""From operators to an ONNX model, and files that are written whole or not at all."""

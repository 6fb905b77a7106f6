"""From an ONNX model to operators: checks, constants folded, shapes, names."""

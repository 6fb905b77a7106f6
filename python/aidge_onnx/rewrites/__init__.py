"""Patterns of ONNX operators that become simpler ones while a model is read."""

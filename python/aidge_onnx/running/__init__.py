"""Operators that are not native, run by ONNX Runtime."""

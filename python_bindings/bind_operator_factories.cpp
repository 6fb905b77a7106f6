#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "GraphTypes.hpp"
#include "PyAttributes.hpp"
#include "PyTensor.hpp"
#include "aidge/core/Errors.hpp"
#include "aidge/nodes/Activation.hpp"
#include "aidge/nodes/BatchNorm.hpp"
#include "aidge/nodes/Cast.hpp"
#include "aidge/nodes/Concat.hpp"
#include "aidge/nodes/ConvTranspose.hpp"
#include "aidge/nodes/Convolution.hpp"
#include "aidge/nodes/Elementwise.hpp"
#include "aidge/nodes/FullyConnected.hpp"
#include "aidge/nodes/Identity.hpp"
#include "aidge/nodes/LRN.hpp"
#include "aidge/nodes/MatMul.hpp"
#include "aidge/nodes/Normalisation.hpp"
#include "aidge/nodes/Pad.hpp"
#include "aidge/nodes/Pooling.hpp"
#include "aidge/nodes/Reduce.hpp"
#include "aidge/nodes/ShapeOps.hpp"
#include "aidge/nodes/Softmax.hpp"
#include "aidge/operator/ShapeUtils.hpp"
#include "init.hpp"

namespace py = pybind11;

namespace Aidge::python {
namespace {

using Ints = std::vector<std::int64_t>;

/// A list argument of fixed length. Throws std::invalid_argument naming factory and argument.
template <std::size_t N> std::array<DimSize_t, N> fixed(const std::string& factory, const char* argument, const Ints& values) {
  if (values.size() != N)
    throwExpected("operator::" + factory, std::string(argument) + " with " + std::to_string(N) + " entries", listText(values));
  std::array<DimSize_t, N> result{};
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

/// `name`: a list argument that defaults to N entries of `value`.
template <std::size_t N> py::arg_v listArg(const char* name, std::int64_t value) { return py::arg_v(name, Ints(N, value)); }

constexpr const char* kConvShapes =
    "\n\nInput (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w\n"
    "(out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;\n"
    "padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.";

constexpr const char* kPoolShapes =
    "\n\nInput (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their "
    "ends.\n"
    "ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.";

template <std::size_t D> std::string suffixed(const std::string& family) { return family + std::to_string(D) + "D"; }

template <std::size_t D> void bindConv(py::module_& m) {
  const std::string type = suffixed<D>("Conv");
  m.def(
      type.c_str(),
      [type](DimSize_t in, DimSize_t out, const Ints& kernel, const std::string& name, const Ints& stride, const Ints& dilation,
             bool noBias, DimSize_t groups) {
        return Conv<D>(in, out, fixed<D>(type, "kernel_dims", kernel), name, fixed<D>(type, "stride_dims", stride),
                       fixed<D>(type, "dilation_dims", dilation), noBias, groups);
      },
      py::arg("in_channels"), py::arg("out_channels"), py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1),
      listArg<D>("dilation_dims", 1), py::arg("no_bias") = false, py::arg("groups") = 1,
      (std::string("Convolution without padding.") + kConvShapes).c_str());
  const std::string padded = "Padded" + type;
  m.def(
      padded.c_str(),
      [padded](DimSize_t in, DimSize_t out, const Ints& kernel, const std::string& name, const Ints& stride, const Ints& padding,
               const Ints& dilation, bool noBias, DimSize_t groups) {
        return PaddedConv<D>(in, out, fixed<D>(padded, "kernel_dims", kernel), name, fixed<D>(padded, "stride_dims", stride),
                             fixed<2 * D>(padded, "padding_dims", padding), fixed<D>(padded, "dilation_dims", dilation), noBias, groups);
      },
      py::arg("in_channels"), py::arg("out_channels"), py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1),
      listArg<2 * D>("padding_dims", 0), listArg<D>("dilation_dims", 1), py::arg("no_bias") = false, py::arg("groups") = 1,
      (std::string("Convolution with zero padding.") + kConvShapes).c_str());
}

template <std::size_t D> void bindConvDepthWise(py::module_& m) {
  const std::string type = suffixed<D>("ConvDepthWise");
  m.def(
      type.c_str(),
      [type](DimSize_t channels, const Ints& kernel, const std::string& name, const Ints& stride, const Ints& dilation, bool noBias) {
        return ConvDepthWise<D>(channels, fixed<D>(type, "kernel_dims", kernel), name, fixed<D>(type, "stride_dims", stride),
                                fixed<D>(type, "dilation_dims", dilation), noBias);
      },
      py::arg("nb_channels"), py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<D>("dilation_dims", 1),
      py::arg("no_bias") = false,
      (std::string("Convolution with a filter of its own for every channel (groups = nb_channels).") + kConvShapes).c_str());
  const std::string padded = "Padded" + type;
  m.def(
      padded.c_str(),
      [padded](DimSize_t channels, const Ints& kernel, const std::string& name, const Ints& stride, const Ints& padding,
               const Ints& dilation, bool noBias) {
        return PaddedConvDepthWise<D>(channels, fixed<D>(padded, "kernel_dims", kernel), name, fixed<D>(padded, "stride_dims", stride),
                                      fixed<2 * D>(padded, "padding_dims", padding), fixed<D>(padded, "dilation_dims", dilation), noBias);
      },
      py::arg("nb_channels"), py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<2 * D>("padding_dims", 0),
      listArg<D>("dilation_dims", 1), py::arg("no_bias") = false,
      (std::string("Zero-padded convolution with a filter of its own for every channel (groups = nb_channels).") + kConvShapes).c_str());
}

template <std::size_t D> void bindConvTranspose(py::module_& m) {
  const std::string type = suffixed<D>("ConvTranspose");
  m.def(
      type.c_str(),
      [type](DimSize_t in, DimSize_t out, const Ints& kernel, const std::string& name, const Ints& stride, const Ints& dilation,
             bool noBias, const Ints& padding, const Ints& outputPadding, DimSize_t groups) {
        return ConvTranspose<D>(in, out, fixed<D>(type, "kernel_dims", kernel), name, fixed<D>(type, "stride_dims", stride),
                                fixed<D>(type, "dilation_dims", dilation), noBias, fixed<2 * D>(type, "padding_dims", padding),
                                fixed<D>(type, "output_padding", outputPadding), groups);
      },
      py::arg("in_channels"), py::arg("out_channels"), py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1),
      listArg<D>("dilation_dims", 1), py::arg("no_bias") = false, listArg<2 * D>("padding_dims", 0), listArg<D>("output_padding", 0),
      py::arg("groups") = 1,
      "Transposed convolution: the output extent is (in - 1) * stride + (kernel - 1) * dilation + 1 + output_padding - padding.\n\n"
      "Input (batch, in_channels, spatial ...). Makes zero-filled producers <name>_w (in_channels, out_channels / groups, kernel ...) and, "
      "unless\n"
      "no_bias, <name>_b (out_channels). ValueError where a count, a list or groups does not fit.");
}

template <std::size_t D> void bindMaxPooling(py::module_& m) {
  const std::string type = suffixed<D>("MaxPooling");
  m.def(
      type.c_str(),
      [type](const Ints& kernel, const std::string& name, const Ints& stride, const Ints& dilations, bool ceilMode) {
        return MaxPooling<D>(fixed<D>(type, "kernel_dims", kernel), name, fixed<D>(type, "stride_dims", stride),
                             fixed<D>(type, "dilations", dilations), ceilMode);
      },
      py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<D>("dilations", 1), py::arg("ceil_mode") = false,
      (std::string("Maximum over windows.") + kPoolShapes).c_str());
  const std::string padded = "Padded" + type;
  m.def(
      padded.c_str(),
      [padded](const Ints& kernel, const std::string& name, const Ints& stride, const Ints& padding, const Ints& dilations, bool ceilMode) {
        return PaddedMaxPooling<D>(fixed<D>(padded, "kernel_dims", kernel), name, fixed<D>(padded, "stride_dims", stride),
                                   fixed<2 * D>(padded, "padding_dims", padding), fixed<D>(padded, "dilations", dilations), ceilMode);
      },
      py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<2 * D>("padding_dims", 0),
      listArg<D>("dilations", 1), py::arg("ceil_mode") = false,
      (std::string("Maximum over windows; padding never wins.") + kPoolShapes).c_str());
}

template <std::size_t D> void bindAvgPooling(py::module_& m) {
  const std::string type = suffixed<D>("AvgPooling");
  m.def(
      type.c_str(),
      [type](const Ints& kernel, const std::string& name, const Ints& stride, const Ints& dilations, bool ceilMode) {
        return AvgPooling<D>(fixed<D>(type, "kernel_dims", kernel), name, fixed<D>(type, "stride_dims", stride),
                             fixed<D>(type, "dilations", dilations), ceilMode);
      },
      py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<D>("dilations", 1), py::arg("ceil_mode") = false,
      (std::string("Mean over windows.") + kPoolShapes).c_str());
  const std::string padded = "Padded" + type;
  m.def(
      padded.c_str(),
      [padded](const Ints& kernel, const std::string& name, const Ints& stride, const Ints& padding, const Ints& dilations, bool ceilMode,
               bool count) {
        return PaddedAvgPooling<D>(fixed<D>(padded, "kernel_dims", kernel), name, fixed<D>(padded, "stride_dims", stride),
                                   fixed<2 * D>(padded, "padding_dims", padding), fixed<D>(padded, "dilations", dilations), ceilMode,
                                   count);
      },
      py::arg("kernel_dims"), py::arg("name") = "", listArg<D>("stride_dims", 1), listArg<2 * D>("padding_dims", 0),
      listArg<D>("dilations", 1), py::arg("ceil_mode") = false, py::arg("count_include_pad") = false,
      (std::string("Mean over windows; padding counts as zeros with count_include_pad, else not at all.") + kPoolShapes).c_str());
}

template <std::size_t D> void bindSpatial(py::module_& m) {
  bindConv<D>(m);
  bindConvDepthWise<D>(m);
  bindConvTranspose<D>(m);
  bindMaxPooling<D>(m);
  bindAvgPooling<D>(m);
  m.def(suffixed<D>("BatchNorm").c_str(), &BatchNorm<D>, py::arg("nb_features"), py::arg("epsilon") = 1e-5, py::arg("momentum") = 0.1,
        py::arg("training_mode") = false, py::arg("name") = "",
        "Batch normalisation with fixed statistics: scale * (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.\n\n"
        "Input (batch, nb_features, ...). Makes producers (nb_features): <name>_scale (1), <name>_shift (0), <name>_mean (0), <name>_var "
        "(1).\n"
        "ValueError where nb_features < 1, epsilon < 0 or training_mode is set.");
}

void bindActivations(py::module_& m) {
  m.def("ReLU", &ReLU, py::arg("name") = "", "max(x, 0), any shape.");
  m.def("Sigmoid", &Sigmoid, py::arg("name") = "", "1 / (1 + exp(-x)), any shape.");
  m.def("Tanh", &Tanh, py::arg("name") = "", "tanh(x), any shape.");
  m.def("HardSwish", &HardSwish, py::arg("name") = "", "x * min(max(x / 6 + 0.5, 0), 1), any shape.");
  m.def("LeakyReLU", &LeakyReLU, py::arg("negative_slope") = 0.0, py::arg("name") = "",
        "x where x >= 0, else negative_slope * x, any shape.");
  m.def("PReLU", &PReLU, py::arg("nb_channels") = 1, py::arg("name") = "", py::arg("spatial_dims") = 2,
        "x where x >= 0, else slope * x. Makes the producer <name>_slope filled with 0.25: (1) for one channel, else (nb_channels, 1 ...) "
        "with\n"
        "`spatial_dims` ones, which lines up with the channels of (batch, channels, spatial ...).");
  m.def("GeLU", &GeLU, py::arg("approximate") = "none", py::arg("name") = "", "x * Phi(x), exactly (\"none\") or by \"tanh\", any shape.");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  m.def("Clip", &Clip, py::arg("name") = "", py::arg_v("min", -kInfinity, "float(\"-inf\")"), py::arg_v("max", kInfinity, "float(\"inf\")"),
        "min(max(x, min), max), any shape.");
  m.def("HardSigmoid", &HardSigmoid, py::arg("alpha") = 0.2, py::arg("beta") = 0.5, py::arg("name") = "",
        "min(max(alpha * x + beta, 0), 1), any shape.");
  m.def("Softmax", &Softmax, py::arg("axis") = -1, py::arg("name") = "", "exp(x) / (sum of exp(x) along axis), any shape with that axis.");
}

void bindArithmetic(py::module_& m) {
  m.def("Add", &Add, py::arg("name") = "", "A + B with NumPy's broadcasting.");
  m.def("Sub", &Sub, py::arg("name") = "", "A - B with NumPy's broadcasting.");
  m.def("Mul", &Mul, py::arg("name") = "", "A * B with NumPy's broadcasting.");
  m.def("Div", &Div, py::arg("name") = "", "A / B with NumPy's broadcasting; integers are truncated towards zero.");
  m.def("MatMul", &MatMul, py::arg("name") = "", "(..., M, K) times (..., K, N) gives (..., M, N), as numpy.matmul does.");
  m.def("FC", &FC, py::arg("in_channels"), py::arg("out_channels"), py::arg("no_bias") = false, py::arg("name") = "",
        "Fully connected layer: (batch, ...) flattened to (batch, in_channels), times the weight transposed, plus the bias: (batch, "
        "out_channels).\n\n"
        "Makes zero-filled producers <name>_w (out_channels, in_channels) and, unless no_bias, <name>_b (out_channels).");
  m.def("Gemm", &Gemm, py::arg("alpha") = 1.0, py::arg("beta") = 1.0, py::arg("trans_a") = false, py::arg("trans_b") = false,
        py::arg("name") = "",
        "alpha * A' * B' + beta * C for matrices (M, K) and (K, N), transposed as told; C is optional and broadcast to (M, N).");
  m.def("GlobalAveragePooling", &GlobalAveragePooling, py::arg("name") = "",
        "Mean over all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).");
  m.def("GlobalMaxPooling", &GlobalMaxPooling, py::arg("name") = "",
        "Maximum over all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).");
  m.def("GlobalLpPooling", &GlobalLpPooling, py::arg("p") = 2, py::arg("name") = "",
        "p-norm of all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).");
  m.def("ReduceMean", &ReduceMean, py::arg("axes") = Ints{}, py::arg("keep_dims") = true, py::arg("noop_with_empty_axes") = false,
        py::arg("name") = "",
        "Mean over the axes (all if none are given, unless noop_with_empty_axes), which stay with extent 1 if keep_dims.");
  m.def("LRN", &LRN, py::arg("size"), py::arg("alpha") = 1e-4, py::arg("beta") = 0.75, py::arg("bias") = 1.0, py::arg("name") = "",
        "x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta for (batch, channels, ...).");
}

void bindNormalisations(py::module_& m) {
  m.def("InstanceNorm", &InstanceNorm, py::arg("nb_features"), py::arg("epsilon") = 1e-5, py::arg("name") = "",
        "scale * (x - mean) / sqrt(variance + epsilon) + bias over each image's channel of (batch, nb_features, ...).\n\n"
        "Makes producers (nb_features): <name>_scale (1), <name>_bias (0).");
  m.def("GroupNorm", &GroupNorm, py::arg("nb_features"), py::arg("groups"), py::arg("epsilon") = 1e-5, py::arg("name") = "",
        "The same over each image's group of channels; nb_features is a multiple of groups.");
  m.def("LayerNorm", &LayerNorm, py::arg("nb_features"), py::arg("epsilon") = 1e-5, py::arg("name") = "",
        "The same over the last axis of (..., nb_features); outputs 1 and 2 are mean and 1 / sqrt(variance + epsilon).");
  m.def("RMSNorm", &RMSNorm, py::arg("nb_features"), py::arg("epsilon") = 1e-5, py::arg("name") = "",
        "scale * x / sqrt(mean of x^2 + epsilon) over the last axis of (..., nb_features). Makes the producer <name>_scale (1).");
}

void bindShapeOps(py::module_& m) {
  m.def("Identity", &Identity, py::arg("name") = "", "Hands its input on.");
  m.def(
      "Cast", [](DataTypeLike to, const std::string& name) { return Cast(to.value, name); }, py::arg("to"), py::arg("name") = "",
      "The values in another type, any shape.");
  m.def("Dropout", &Dropout, py::arg("ratio") = 0.5, py::arg("name") = "",
        "Hands its input on, as dropout does at inference; ratio in [0, 1].");
  m.def("Concat", &Concat, py::arg("nb_inputs"), py::arg("axis") = 0, py::arg("name") = "",
        "Joins nb_inputs tensors along axis; all other dims agree.");
  m.def("Flatten", &Flatten, py::arg("axis") = 1, py::arg("name") = "", "(product of the dims before axis, product of the others).");
  m.def("Reshape", &Reshape, py::arg("shape") = Ints{}, py::arg("allowzero") = false, py::arg("name") = "",
        "The values in their order under the dims `shape`: 0 copies the input's dim (unless allowzero), one -1 is inferred.");
  m.def("Transpose", &Transpose, py::arg("output_dims_order") = Ints{}, py::arg("name") = "",
        "Axis i of the output is axis output_dims_order[i] of the input; empty reverses all axes.");
  m.def("Squeeze", &Squeeze, py::arg("axes") = Ints{}, py::arg("name") = "",
        "Without the given axes, which have extent 1; empty: without all of extent 1.");
  m.def("Unsqueeze", &Unsqueeze, py::arg("axes"), py::arg("name") = "", "With new axes of extent 1 at these places of the output.");
  m.def("Pad", &Pad, py::arg("pads"), py::arg("mode") = "constant", py::arg("value") = 0.0, py::arg("axes") = Ints{}, py::arg("name") = "",
        "Adds elements around the input: pads holds the counts before every axis, then those after (of `axes`, or of all if that is "
        "empty).\n\n"
        "mode: \"constant\" fills in `value`, and negative counts crop; \"reflect\" mirrors, \"edge\" repeats the border, \"wrap\" goes on "
        "at the other end.");
}

/// One function for every type that has none yet: its attributes by name, and `nb_inputs` where any number of inputs will do.
void bindOthers(py::module_& m) {
  for (const std::string& type : OperatorRegistry::types()) {
    if (py::hasattr(m, type.c_str())) continue;
    const OperatorSchema& schema = *OperatorRegistry::find(type);
    std::string text = schema.brief + "\n\nAttributes, by name:";
    for (const auto& entry : schema.attributes) text.append(" ").append(entry.first);
    if (schema.attributes.empty()) text += " none";
    if (schema.variadic) {
      m.def(
          type.c_str(),
          [type](IOIndex_t nbInputs, const std::string& name, const py::kwargs& attributes) {
            return makeNode(type, attributesFromPython(attributes), name, nbInputs);
          },
          py::arg("nb_inputs"), py::arg("name") = "", text.c_str());
    } else {
      m.def(
          type.c_str(),
          [type](const std::string& name, const py::kwargs& attributes) { return makeNode(type, attributesFromPython(attributes), name); },
          py::arg("name") = "", text.c_str());
    }
  }
}

}  // namespace

void bindOperatorFactories(py::module_& m) {
  bindSpatial<1>(m);
  bindSpatial<2>(m);
  bindSpatial<3>(m);
  bindActivations(m);
  bindArithmetic(m);
  bindNormalisations(m);
  bindShapeOps(m);
  bindOthers(m);
}

}  // namespace Aidge::python

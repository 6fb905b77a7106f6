// FC and Gemm.
#include "MatMul.hpp"

namespace Aidge::cpu::onednn {

namespace {

Product productOfFC(const KernelRequest& request) {
  const Dims& weight = request.inputs[1].dims;
  const DimSize_t batch = request.inputs[0].dims[0];
  Product product{.a = matrix(batch, weight[1], false), .b = matrix(weight[1], weight[0], true), .y = matrix(batch, weight[0], false)};
  if (request.present.size() > 2 && request.present[2]) product.bias = 2;
  return product;
}

Product productOfGemm(const KernelRequest& request) {
  const Dims& y = request.outputs[0].dims;
  const bool transA = request.op->attribute<bool>("trans_a");
  const bool transB = request.op->attribute<bool>("trans_b");
  const DimSize_t inner = request.inputs[0].dims[transA ? 0 : 1];
  Product product{.a = matrix(y[0], inner, transA), .b = matrix(inner, y[1], transB), .y = matrix(y[0], y[1], false)};
  product.alpha = static_cast<float>(request.op->attribute<double>("alpha"));
  product.beta = static_cast<float>(request.op->attribute<double>("beta"));
  if (request.present.size() <= 2 || !request.present[2] || product.beta == 0.0F) return product;
  const Dims& c = request.inputs[2].dims;
  const bool perColumn = !c.empty() && c.back() == y[1] && request.inputs[2].elements() == static_cast<std::size_t>(y[1]);
  if (perColumn && product.alpha == 1.0F && product.beta == 1.0F) {
    product.bias = 2;
  } else {
    product.addend = 2;
  }
  return product;
}

[[maybe_unused]] const bool kFullyConnectedRegistered = KernelRegistry::add("cpu", "FC", productFactory(productOfFC, canFuse)) &&
                                                        KernelRegistry::add("cpu", "Gemm", productFactory(productOfGemm, canFuseButSums));

}  // namespace

}  // namespace Aidge::cpu::onednn

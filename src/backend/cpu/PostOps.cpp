#include "PostOps.hpp"

#include <algorithm>
#include <array>

namespace Aidge::cpu {

namespace {

/// values[i] *= f(values[i]).
void applyGate(const ActivationFunction& function, float* values, std::size_t n) {
  std::array<float, 512> gate;
  const auto multiply = vectorLoops().vectorVector[static_cast<std::size_t>(BinaryLoop::Mul)];
  for (std::size_t begin = 0; begin < n; begin += gate.size()) {
    const std::size_t count = std::min(gate.size(), n - begin);
    function.apply(values + begin, gate.data(), count);
    multiply(values + begin, gate.data(), values + begin, count);
  }
}

}  // namespace

PostOpChain::PostOpChain(const KernelRequest& request) {
  for (const PostOp& postOp : request.postOps) mFunctions.emplace_back(postOp.kind, ActivationFunction(*postOp.activation));
}

bool PostOpChain::canFuse(const KernelRequest& request, const PostOp& postOp) {
  if (request.outputs[0].dtype != DataType::Float32 || postOp.kind == PostOp::Kind::Sum) return false;
  return ActivationFunction::supports(postOp.activation->type());
}

void PostOpChain::apply(float* values, std::size_t n) const {
  for (const auto& [kind, function] : mFunctions) {
    if (kind == PostOp::Kind::Gate) {
      applyGate(function, values, n);
    } else {
      function.apply(values, values, n);
    }
  }
}

}  // namespace Aidge::cpu

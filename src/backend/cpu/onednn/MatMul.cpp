// MatMul, and the kernel of all matrix products.
#include <algorithm>
#include <optional>

#include "../KernelSupport.hpp"
#include "MatMul.hpp"

namespace Aidge::cpu::onednn {

namespace {

using Desc = dnnl::memory::desc;

/// Weights of more bytes are read where they lie, which is 5 to 20 % slower: packed copies would take as much memory again.
constexpr std::size_t kLargeWeight = std::size_t{64} * 1024 * 1024;

/// Dims with a leading row (A) or trailing column (B) of 1 for vectors, and leading ones up to `rank`.
Dims asMatrices(Dims dims, bool isA, std::size_t rank) {
  if (dims.size() == 1) dims.insert(isA ? dims.begin() : dims.end(), 1);
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

Product productOfMatMul(const KernelRequest& request) {
  const std::size_t rank = std::max({std::size_t{2}, request.inputs[0].dims.size(), request.inputs[1].dims.size()});
  const Dims a = asMatrices(request.inputs[0].dims, true, rank);
  const Dims b = asMatrices(request.inputs[1].dims, false, rank);
  Dims y(rank);
  for (std::size_t i = 0; i + 2 < rank; ++i) y[i] = std::max(a[i], b[i]);
  y[rank - 2] = a[rank - 2];
  y[rank - 1] = b[rank - 1];
  const bool oneMatrix = std::all_of(b.begin(), b.end() - 2, [](DimSize_t d) { return d == 1; });
  if (!oneMatrix) return {.a = plainDesc(a), .b = plainDesc(b), .y = plainDesc(y)};
  DimSize_t rows = 1;
  for (std::size_t i = 0; i + 1 < rank; ++i) rows *= a[i];
  return {.a = matrix(rows, a.back(), false), .b = matrix(b[rank - 2], b.back(), false), .y = matrix(rows, b.back(), false)};
}

/// Writes beta * c, repeated to (rows, columns).
void broadcastInto(const float* c, const Dims& dims, float beta, float* y, DimSize_t rows, DimSize_t columns) {
  const DimSize_t columnStride = !dims.empty() && dims.back() == columns && columns != 1 ? 1 : 0;
  const DimSize_t rowStride = dims.size() == 2 && dims[0] == rows && rows != 1 ? dims[1] : 0;
  for (DimSize_t r = 0; r < rows; ++r) {
    for (DimSize_t k = 0; k < columns; ++k) y[r * columns + k] = beta * c[r * rowStride + k * columnStride];
  }
}

class MatMulKernel final : public Kernel {
 public:
  MatMulKernel(const KernelRequest& request, Product product) : mProduct(std::move(product)) {
    const bool packs = request.constants[1] != nullptr && request.constants[1]->size() * sizeof(float) <= kLargeWeight;
    const Desc b = packs ? Desc(mProduct.b.get_dims(), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any) : mProduct.b;
    Desc bias;
    if (mProduct.bias) bias = plainDesc({1, static_cast<DimSize_t>(mProduct.y.get_dims().back())});
    const dnnl::primitive_attr attributes = attributesOf(request);
    const dnnl::matmul::primitive_desc description =
        mProduct.bias ? dnnl::matmul::primitive_desc(engine(), mProduct.a, b, bias, mProduct.y, attributes)
                      : dnnl::matmul::primitive_desc(engine(), mProduct.a, b, mProduct.y, attributes);
    mImplementation = description.impl_info_str();
    mScratchBytes = aligned(description.scratchpad_desc().get_size());
    mCall = Call(dnnl::matmul(description));
    mCall.bind(DNNL_ARG_SRC, mProduct.a);
    mCall.bind(DNNL_ARG_DST, mProduct.y);
    mCall.bind(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
    if (mProduct.bias) mCall.bind(DNNL_ARG_BIAS, bias);
    bindPostOps(request);
    if (packs && description.weights_desc() != mProduct.b) {
      mWeight = packed(request.constants[1]->rawData(), mProduct.b, description.weights_desc());
      mCall.bind(DNNL_ARG_WEIGHTS, mWeight);
    } else {
      mCall.bind(DNNL_ARG_WEIGHTS, mProduct.b);
    }
    if (mProduct.addend) mAddendDims = request.inputs[*mProduct.addend].dims;
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch) override {
    if (mProduct.addend) {
      const auto y = mProduct.y.get_dims();
      broadcastInto(static_cast<const float*>(inputs[*mProduct.addend]), mAddendDims, mProduct.beta, static_cast<float*>(outputs[0]), y[0],
                    y[1]);
    }
    mCall.set(DNNL_ARG_SRC, inputs[0]);
    if (!mWeight) mCall.set(DNNL_ARG_WEIGHTS, inputs[1]);
    mCall.set(DNNL_ARG_DST, outputs[0]);
    mCall.set(DNNL_ARG_SCRATCHPAD, scratch);
    if (mProduct.bias) mCall.set(DNNL_ARG_BIAS, inputs[*mProduct.bias]);
    for (const auto& [argument, input] : mAdded) mCall.set(argument, inputs[input]);
    mCall.execute();
  }

  [[nodiscard]] std::size_t scratchBytes() const override { return mScratchBytes; }
  [[nodiscard]] std::size_t packedBytes() const override { return mWeight ? mWeight.get_desc().get_size() : 0; }
  [[nodiscard]] bool readsConstant(std::size_t index) const override { return index != 1 || !mWeight; }
  [[nodiscard]] std::string implementation() const override { return mImplementation; }

 private:
  /// User scratchpad; alpha, then the addend, then the request's own post-ops (which hold no sum where there is an addend).
  [[nodiscard]] dnnl::primitive_attr attributesOf(const KernelRequest& request) const {
    if (mProduct.alpha == 1.0F && !mProduct.addend) return makeAttributes(request);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops ops;
    if (mProduct.alpha != 1.0F) ops.append_eltwise(dnnl::algorithm::eltwise_linear, mProduct.alpha, 0.0F);
    if (mProduct.addend) ops.append_sum(1.0F);
    appendPostOps(ops, request);
    attributes.set_post_ops(ops);
    return attributes;
  }

  void bindPostOps(const KernelRequest& request) {
    for (std::size_t i = 0; i < request.postOps.size(); ++i) {
      const PostOp& postOp = request.postOps[i];
      if (postOp.kind != PostOp::Kind::Sum || postOp.inPlace) continue;
      const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
      mCall.bind(argument, Desc(mProduct.y));
      mAdded.emplace_back(argument, postOp.input);
    }
  }

  Product mProduct;
  Call mCall;
  dnnl::memory mWeight;
  std::vector<std::pair<int, std::size_t>> mAdded;
  Dims mAddendDims;
  std::size_t mScratchBytes = 0;
  std::string mImplementation;
};

}  // namespace

Desc matrix(DimSize_t rows, DimSize_t columns, bool transposed) {
  return {{rows, columns}, dnnl::memory::data_type::f32, transposed ? dnnl::memory::dims{1, rows} : dnnl::memory::dims{columns, 1}};
}

bool canFuseButSums(const KernelRequest& request, const PostOp& postOp) {
  return postOp.kind != PostOp::Kind::Sum && canFuse(request, postOp);
}

KernelFactory productFactory(Product (*productOf)(const KernelRequest&), bool (*fuses)(const KernelRequest&, const PostOp&)) {
  KernelFactory factory;
  factory.canFuse = fuses;
  factory.create = [productOf](const KernelRequest& request) { return std::make_unique<MatMulKernel>(request, productOf(request)); };
  return factory;
}

namespace {

[[maybe_unused]] const bool kMatMulRegistered = KernelRegistry::add("cpu", "MatMul", productFactory(productOfMatMul, canFuseButSums));

}  // namespace

}  // namespace Aidge::cpu::onednn

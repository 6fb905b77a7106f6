#include "aidge/backend/cpu/ConvolutionAccuracy.hpp"

#include <array>
#include <atomic>
#include <string>

#include "aidge/core/Errors.hpp"

namespace Aidge::cpu {

namespace {

std::atomic<ConvolutionAccuracy> gAccuracy{ConvolutionAccuracy::Default};
constexpr std::array<std::string_view, 3> kNames{"direct", "default", "fast"};

}  // namespace

void setConvolutionAccuracy(ConvolutionAccuracy accuracy) { gAccuracy.store(accuracy); }

ConvolutionAccuracy parseConvolutionAccuracy(std::string_view where, std::string_view word) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == word) return static_cast<ConvolutionAccuracy>(i);
  }
  throwExpected(where, "\"direct\", \"default\" or \"fast\" as convolution accuracy", '"' + std::string(word) + '"');
}

ConvolutionAccuracy convolutionAccuracy() { return gAccuracy.load(); }

std::string_view toString(ConvolutionAccuracy accuracy) { return kNames[static_cast<std::size_t>(accuracy)]; }

}  // namespace Aidge::cpu

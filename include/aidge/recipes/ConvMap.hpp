#pragma once

#include <optional>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"
#include "aidge/operator/ConvShape.hpp"

namespace Aidge {

/// A convolution with its values in double: weight (out, in / groups, kernel …) row-major, bias (out) or empty.
struct AIDGE_EXPORT ConvMap {
  ConvShape shape;
  std::vector<double> weight;
  std::vector<double> bias;
};

/// Whether composing a and b is exact, which is decided where b's zero padding stands: the composed convolution has there what a would have computed.
enum class BorderCase : std::uint8_t {
  Exact,      ///< b reads no padding, or a's response there is zero
  BiasLeaks,  ///< a's response there is its bias
  DataLeaks   ///< a's response there depends on the data
};

/// `input`: spatial extents of a's input; a dynamic one is decided for every extent.
[[nodiscard]] AIDGE_EXPORT BorderCase borderCase(const ConvShape& a, const ConvShape& b, const Dims& input);

/// Geometry of "a feeds b": extent (e_b - 1) · s_a + e_a, stride s_a · s_b, padding p_a + s_a · p_b, groups gcd(g_a, g_b), and the largest dilation
/// on whose grid all taps lie. Throws std::invalid_argument if the channels or the axes differ.
[[nodiscard]] AIDGE_EXPORT ConvShape compose(const ConvShape& a, const ConvShape& b);
/// The weights of it, w[o, c] = sum over m of w_b[o, m] ∗ w_a[m, c], and the bias b_b + (sum over m, t of w_b[o, m, t] · b_a[m]). Equal to a followed by b
/// wherever b reads no padding, or everywhere in the case BorderCase::Exact.
[[nodiscard]] AIDGE_EXPORT ConvMap compose(const ConvMap& a, const ConvMap& b);

/// Geometry of f(x) + g(x): both kernels embedded in one that covers both. nullopt where strides, channels or the extents of the outputs
/// for `input` (dynamic: for every extent) differ.
[[nodiscard]] AIDGE_EXPORT std::optional<ConvShape> sumShape(const ConvShape& f, const ConvShape& g, const Dims& input);
/// f + g in the geometry `shape` that sumShape gave.
[[nodiscard]] AIDGE_EXPORT ConvMap sum(const ConvMap& f, const ConvMap& g, const ConvShape& shape);

/// y = x for so many channels and spatial axes: a Dirac kernel.
[[nodiscard]] AIDGE_EXPORT ConvMap identityMap(DimSize_t channels, std::size_t axes);
/// The same map with dilation 1 (zeros between the taps) or with fewer groups (zeros between the blocks). Throws std::invalid_argument unless `groups`
/// divides the map's.
[[nodiscard]] AIDGE_EXPORT ConvMap withoutDilation(const ConvMap& map);
[[nodiscard]] AIDGE_EXPORT ConvMap withGroups(const ConvMap& map, DimSize_t groups);
/// Response to a constant image of these values a channel, away from padding: sum over c, t of w[o, c, t] · value[c]; bias not added.
[[nodiscard]] AIDGE_EXPORT std::vector<double> responseTo(const ConvMap& map, const std::vector<double>& values);
/// The response to an image (in, input …), zero outside: (out, positions …), row-major; bias not added.
[[nodiscard]] AIDGE_EXPORT std::vector<double> responseTo(const ConvMap& map, const std::vector<double>& image, const Dims& input);
/// v with response -bias, so that map(x) = (map without bias)(x - v); least norm, one group at a time. nullopt if there is none, or where it would
/// cost float precision (sum |w · v| above 100 · max |bias|). For pointwise maps.
[[nodiscard]] AIDGE_EXPORT std::optional<std::vector<double>> inputShift(const ConvMap& map);

}  // namespace Aidge

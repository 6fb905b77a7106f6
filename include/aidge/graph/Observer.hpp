#pragma once

#include <limits>
#include <span>

#include "aidge/core/Export.hpp"
#include "aidge/core/Types.hpp"

namespace Aidge {

/// Order of the elements in memory: row-major over dims, or with axis 1 (channels) moved to the end.
enum class Layout : std::uint8_t { Plain, ChannelsLast };

/// Values of a tensor as they lie in memory. `dims` are the logical ones, channels on axis 1, whatever the layout.
struct TensorView {
  const void* data = nullptr;
  DataType dtype = DataType::Float32;
  std::span<const DimSize_t> dims;
  Layout layout = Layout::Plain;
};

/// Sign balance of a tensor (or of a part of the batch): sums of magnitudes, and which channels were ever > 0.
struct SignSummary {
  double negative = 0.0;                 ///< sum of |v| over v < 0, plus v - upper over v > upper
  double positive = 0.0;                 ///< sum of v over v >= 0
  std::span<const std::uint8_t> active;  ///< one a channel (axis 1): 1 if some v > 0
};

/// What becomes of the axes behind the channels (of each image, each channel).
enum class Pooling : std::uint8_t { Max, Average, Sum };

/// One value an image and a channel (axis 1) of a tensor, or of a part of the batch. Where an image holds NaN or infinity, some of its values are
/// not finite.
struct PooledValues {
  std::span<const double> values;  ///< row-major, (samples, channels)
  std::size_t channels = 0;
};

/// Sees every batch's values of one tensor; the engine chooses how (fused with the activation, a part of the batch at a time).
/// All calls of one forward cover every element exactly once, the batch in order. Called from one thread at a time, though not always the same.
class AIDGE_EXPORT Observer {
 public:
  enum class Request : std::uint8_t { Values, SignSummary, PooledValues };

  virtual ~Observer() = default;
  /// What the engine shall deliver, and so which `observe` it calls.
  [[nodiscard]] virtual Request request() const { return Request::Values; }
  /// Upper clipping bound for the sign summary (infinity for none).
  [[nodiscard]] virtual double upper() const { return std::numeric_limits<double>::infinity(); }
  /// How values are pooled.
  [[nodiscard]] virtual Pooling pooling() const { return Pooling::Max; }
  virtual void observe(const TensorView& /*values*/) {}
  virtual void observe(const SignSummary& /*summary*/) {}
  virtual void observe(const PooledValues& /*responses*/) {}
};

}  // namespace Aidge

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aidge/core/Export.hpp"
#include "aidge/graph/Node.hpp"

namespace Aidge::fibnlr {

/// Exceptions to the normalisation.
enum class Method : std::uint8_t {
  Strict,  ///< none
  Loose    ///< a group of one keeps its NPR
};

/// How NPR becomes NNPR within a group.
enum class NormalizationMethod : std::uint8_t {
  None,    ///< v
  MinMax,  ///< (v - min) / (max - min): rank, 0 = the least impact
  Sum,     ///< (v + eps) / (sum + eps): share of the group
  Average  ///< (v + eps) / (mean + eps): as in the paper
};
using NormalisationMethod = NormalizationMethod;

/// How activations are grouped.
enum class GroupMethod : std::uint8_t {
  None,       ///< all in group 0
  ImageSize,  ///< by the product of the spatial dims (1 for a 2-D tensor)
  Manual      ///< by Parameters::groupAssignments
};

/// Which activations are eligible.
enum class AblationCriteria : std::uint8_t {
  None,            ///< none
  XLeastPerGroup,  ///< of each group the ablationXLeast smallest, if also below the threshold
  Threshold        ///< all with NNPR < ablationThreshold
};

/// What happens to eligible activations.
enum class AblationMethod : std::uint8_t {
  None,      ///< nothing: a dry run
  Identity,  ///< an Identity of the same name takes the place
  Remove,    ///< the parent is wired to the consumers
  Affine     ///< a·x + b a channel, fitted to the activation on data, takes the place (see replaceByAffine)
};

[[nodiscard]] AIDGE_EXPORT std::string_view toString(Method value);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(NormalizationMethod value);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(GroupMethod value);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(AblationCriteria value);
[[nodiscard]] AIDGE_EXPORT std::string_view toString(AblationMethod value);

/// A node itself, or its name (which stands for every node of that name, whatever the depth).
using NodeKey = std::variant<std::string, NodePtr>;

/// Everything that steers FIBNLR.
struct AIDGE_EXPORT Parameters {
  Method method = Method::Strict;
  NormalizationMethod normalization = NormalizationMethod::Sum;
  GroupMethod group = GroupMethod::ImageSize;
  AblationCriteria ablationCriteria = AblationCriteria::Threshold;
  AblationMethod ablationMethod = AblationMethod::Identity;
  double ablationThreshold = 0.1;      ///< finite, >= 0
  std::uint64_t ablationXLeast = 1;    ///< for XLeastPerGroup
  std::uint64_t ablationMinKept = 0;   ///< activations that stay in each group whatever the criterion
  std::uint64_t maxIteration = 100;    ///< 0: no limit
  double convergenceThreshold = 1e-6;  ///< >= 0
  /// For GroupMethod::Manual: every prunable node needs an entry.
  std::map<NodeKey, std::uint64_t> groupAssignments;
  /// Operator types that may be removed: any of supportedPrunableTypes() (a Clip only if its lower bound is 0).
  std::vector<std::string> prunableTypes{"ReLU", "LeakyReLU", "GeLU"};

  /// The choices of the FIBNLR paper: Loose, Average, ImageSize, XLeastPerGroup, Identity.
  [[nodiscard]] static Parameters paper();
  /// Strict, and every method None.
  [[nodiscard]] static Parameters none();
  /// Throws std::invalid_argument, naming the parameter and its value.
  void validate() const;

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// The operator types that Parameters::prunableTypes may list: those whose schema says that they are rectifiers.
[[nodiscard]] AIDGE_EXPORT const std::vector<std::string>& supportedPrunableTypes();

}  // namespace Aidge::fibnlr

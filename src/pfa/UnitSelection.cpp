#include "aidge/pfa/UnitSelection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "aidge/core/Errors.hpp"

namespace Aidge::pfa {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

bool isClose(double a, double b) { return std::fabs(a - b) <= 1e-8 + 1e-5 * std::fabs(b); }

/// The units that are left, their |correlation|, and for each the two most extreme ones with the others.
class Live {
 public:
  Live(std::span<const double> covariance, std::size_t n, const std::vector<std::size_t>& inactive, bool largest)
      : mSign(largest ? 1.0 : -1.0), mSize(n), mValues(n * n), mExtremes(n, Extremes{kNothing, kNothing, n, n}) {
    std::vector<double> deviation(n);
    for (std::size_t i = 0; i < n; ++i) deviation[i] = std::sqrt(std::fabs(covariance[i * n + i]));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        mValues[i * n + j] = std::fabs(covariance[i * n + j]) / std::max(deviation[i] * deviation[j], 1e-8);
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::binary_search(inactive.begin(), inactive.end(), i)) mUnits.push_back(i);
    }
  }

  [[nodiscard]] const std::vector<std::size_t>& units() const { return mUnits; }
  [[nodiscard]] double value(std::size_t i, std::size_t j) const { return mValues[i * mSize + j]; }
  /// Extreme value of a unit with another; NaN if it is the only one.
  [[nodiscard]] double extreme(std::size_t unit) { return extremes(unit).first; }
  /// Whether `a` is further out than `b`; NaN is the least.
  [[nodiscard]] bool beyond(double a, double b) const { return mSign * a > mSign * b || (std::isnan(b) && !std::isnan(a)); }

  void remove(std::size_t unit) {
    mUnits.erase(std::lower_bound(mUnits.begin(), mUnits.end(), unit));
    for (const std::size_t u : mUnits) {
      if (mExtremes[u].at == unit || mExtremes[u].nextAt == unit) mExtremes[u].at = mSize;
    }
  }

  /// The extreme of a unit's values without the first one that is close to `most`, which its extreme is.
  [[nodiscard]] double extremeWithoutFirst(std::size_t unit, double most) {
    const Extremes& row = extremes(unit);
    if (!isClose(row.next, most)) return row.next;
    const auto first =
        std::find_if(mUnits.begin(), mUnits.end(), [&](std::size_t v) { return v != unit && isClose(value(unit, v), most); });
    return *first == row.at ? row.next : row.first;
  }

 private:
  struct Extremes {
    double first;
    double next;
    std::size_t at;      ///< the other unit; n where all this is to be found
    std::size_t nextAt;  ///< n where there is none
  };

  /// Of equal values the last ones are remembered: removal goes from the front, so that it rarely hits what others remember.
  const Extremes& extremes(std::size_t unit) {
    Extremes& found = mExtremes[unit];
    if (found.at != mSize) return found;
    found = {kNothing, kNothing, mSize, mSize};
    const double* row = mValues.data() + unit * mSize;
    for (const std::size_t v : mUnits) {
      if (v == unit) continue;
      if (!beyond(found.first, row[v])) {
        found = {row[v], found.first, v, found.at};
      } else if (!beyond(found.next, row[v])) {
        found.next = row[v];
        found.nextAt = v;
      }
    }
    return found;
  }

  double mSign;
  std::size_t mSize;
  std::vector<double> mValues;      ///< (n, n)
  std::vector<Extremes> mExtremes;  ///< one a unit
  std::vector<std::size_t> mUnits;  ///< ascending
};

/// Sums of a unit's values with the others, kept up to date.
class Sums {
 public:
  Sums(Live& live, std::size_t n) : mLive(live), mSums(n, 0.0) {
    for (const std::size_t u : live.units()) {
      for (const std::size_t v : live.units()) mSums[u] += u == v ? 0.0 : live.value(u, v);
    }
  }

  void remove(std::size_t unit) {
    for (const std::size_t u : mLive.units()) mSums[u] -= mLive.value(unit, u);
  }

  [[nodiscard]] std::size_t next(TieRule rule) {
    double most = kNothing;
    for (const std::size_t u : mLive.units()) {
      if (mLive.beyond(mSums[u], most)) most = mSums[u];
    }
    std::vector<std::size_t> tied;
    for (const std::size_t u : mLive.units()) {
      if (isClose(mSums[u], most)) tied.push_back(u);
    }
    return tied.size() == 1 ? tied[0] : among(tied, rule);
  }

 private:
  [[nodiscard]] std::size_t among(const std::vector<std::size_t>& tied, TieRule rule) {
    double most = kNothing;
    for (const std::size_t u : tied) {
      if (mLive.beyond(mLive.extreme(u), most)) most = mLive.extreme(u);
    }
    if (rule == TieRule::Documented) {
      return *std::find_if(tied.begin(), tied.end(), [&](std::size_t u) { return isClose(mLive.extreme(u), most); });
    }
    for (const std::size_t r : mLive.units()) {
      // A unit whose own extreme does not reach `most` has no such value.
      if (mLive.beyond(most, mLive.extreme(r)) && !isClose(mLive.extreme(r), most)) continue;
      for (const std::size_t u : tied) {
        if (u != r && isClose(mLive.value(r, u), most)) return r;
      }
    }
    return tied[0];
  }

  Live& mLive;
  std::vector<double> mSums;
};

/// AbsMax and AbsMin: of the rows that hold the extreme value, the one whose next value is the most extreme.
std::size_t nextByPair(Live& live) {
  double most = kNothing;
  for (const std::size_t u : live.units()) {
    if (live.beyond(live.extreme(u), most)) most = live.extreme(u);
  }
  struct Row {
    std::size_t unit;
    double rest;
  };
  std::vector<Row> rows;
  double next = kNothing;
  for (const std::size_t u : live.units()) {
    if (!isClose(live.extreme(u), most)) continue;
    rows.push_back({u, live.extremeWithoutFirst(u, most)});
    if (live.beyond(rows.back().rest, next)) next = rows.back().rest;
  }
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return isClose(row.rest, next); });
  return found == rows.end() ? rows[0].unit : found->unit;
}

/// Fisher and Yates, with draws that are the same on every platform.
std::vector<std::size_t> shuffled(std::vector<std::size_t> units, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t left = units.size(); left > 1; --left) {
    const std::uint64_t bound = random.max() - random.max() % left;
    std::uint64_t draw = random();
    while (draw >= bound) draw = random();
    std::swap(units[left - 1], units[draw % left]);
  }
  return units;
}

void requireMatrix(std::string_view where, std::span<const double> covariance, std::size_t n) {
  if (covariance.size() != n * n || n == 0) {
    throwExpected(where, "a square covariance of at least one unit",
                  std::to_string(covariance.size()) + " elements for " + std::to_string(n) + " units");
  }
  if (!std::all_of(covariance.begin(), covariance.end(), [](double v) { return std::isfinite(v); })) {
    throwExpected(where, "a finite covariance", "NaN or infinity");
  }
}

}  // namespace

std::vector<std::size_t> inactiveUnits(std::span<const double> covariance, std::size_t n, double epsilon) {
  constexpr std::string_view kWhere = "pfa::inactiveUnits";
  requireMatrix(kWhere, covariance, n);
  if (!(epsilon >= 0.0)) throwExpected(kWhere, "epsilon_inactive >= 0", std::to_string(epsilon));
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(covariance[i * n + i]));
  std::vector<std::size_t> units;
  for (std::size_t i = 0; i < n; ++i) {
    if (std::fabs(covariance[i * n + i]) < epsilon * largest) units.push_back(i);
  }
  return units;
}

std::vector<std::size_t> removalOrder(std::span<const double> covariance, std::size_t n, UnitStrategy strategy,
                                      const SelectionOptions& options) {
  std::vector<std::size_t> order = inactiveUnits(covariance, n, options.epsilonInactive);
  if (strategy == UnitStrategy::Random) {
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::binary_search(order.begin(), order.end(), i)) active.push_back(i);
    }
    active = shuffled(std::move(active), options.seed);
    if (!active.empty()) order.insert(order.end(), active.begin(), active.end() - 1);
    return order;
  }
  const bool largest = strategy == UnitStrategy::AbsMax || strategy == UnitStrategy::L1Max;
  const bool byPair = strategy == UnitStrategy::AbsMax || strategy == UnitStrategy::AbsMin;
  Live live(covariance, n, order, largest);
  std::optional<Sums> sums;
  if (!byPair) sums.emplace(live, n);
  while (live.units().size() > 1) {
    const std::size_t unit = byPair ? nextByPair(live) : sums->next(options.tieRule);
    order.push_back(unit);
    live.remove(unit);
    if (sums) sums->remove(unit);
  }
  return order;
}

}  // namespace Aidge::pfa

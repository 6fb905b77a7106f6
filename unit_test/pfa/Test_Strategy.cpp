#include "aidge/pfa/Strategy.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"

using namespace Aidge::pfa;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double kTolerance = 1e-12;
constexpr double kSmoothing = 1e-14;  ///< what adding 2^-52 to every share may do to a divergence

bool near(double a, double b, double tolerance = kTolerance) { return std::fabs(a - b) <= tolerance; }

}  // namespace

TEST_CASE("A flat spectrum keeps every unit, and not one more", "[Strategy]") {
  for (const std::size_t units : {2U, 3U, 7U, 64U, 1000U}) {
    const KlDivergence divergence = klDivergence(std::vector<double>(units, 0.1));
    REQUIRE(near(divergence.value, 0.0, units * kSmoothing));
    REQUIRE(divergence.value >= 0.0);
    REQUIRE(countOfRatio(linearRatio(divergence), units) == units);
  }
}

TEST_CASE("One eigenvalue keeps one unit", "[Strategy]") {
  std::vector<double> spectrum(16, 0.0);
  spectrum[0] = 3.0;
  const KlDivergence divergence = klDivergence(spectrum);
  REQUIRE(near(divergence.largest, std::log(16.0)));
  REQUIRE(near(divergence.value, std::log(16.0), 1e-12));
  REQUIRE(countOfRatio(linearRatio(divergence), 16) == 1);
}

TEST_CASE("The divergence of half the energy in each of two of four is ln 2", "[Strategy]") {
  const KlDivergence divergence = klDivergence(std::vector<double>{5.0, 5.0, 0.0, 0.0});
  REQUIRE(near(divergence.value, std::log(2.0), 1e-13));
  REQUIRE(near(linearRatio(divergence), 0.5, 1e-13));
}

TEST_CASE("A layer of one unit, or without energy, keeps all", "[Strategy]") {
  REQUIRE(linearRatio(klDivergence(std::vector<double>{2.0})) == 1.0);
  REQUIRE(countOfRatio(0.0, 1) == 1);
  REQUIRE(klDivergence(std::vector<double>(8, 0.0)).value < 8 * kSmoothing);
  REQUIRE(energyCount(std::vector<double>(8, 0.0), 0.5).count == 8);
  REQUIRE(energyCount(std::vector<double>(8, 0.0), 0.5).keptEnergy == 1.0);
}

TEST_CASE("A ratio becomes a count within the layer", "[Strategy]") {
  REQUIRE(countOfRatio(0.0, 10) == 1);
  REQUIRE(countOfRatio(0.11, 10) == 2);
  REQUIRE(countOfRatio(1.0, 10) == 10);
  REQUIRE_THROWS_WITH(countOfRatio(1.5, 10), ContainsSubstring("expected a ratio of units in [0, 1], got 1.5"));
  REQUIRE_THROWS_WITH(countOfRatio(std::nan(""), 10), ContainsSubstring("in [0, 1]"));
}

TEST_CASE("The energy's threshold is reached, and then min_kept holds", "[Strategy]") {
  const std::vector<double> spectrum{8.0, 4.0, 2.0, 2.0};
  REQUIRE(energyCount(spectrum, 0.0).count == 1);
  REQUIRE(energyCount(spectrum, 0.5).count == 1);
  REQUIRE(energyCount(spectrum, 0.51).count == 2);
  REQUIRE(energyCount(spectrum, 0.75).count == 2);
  REQUIRE(energyCount(spectrum, 1.0).count == 4);
  const EnergyCount raised = energyCount(spectrum, 0.5, 3);
  REQUIRE(raised.count == 3);
  REQUIRE(near(raised.keptEnergy, 14.0 / 16.0));
  REQUIRE(raised.thresholdEnergy == 8.0);
  REQUIRE(energyCount(spectrum, 0.5, 9).count == 4);
  REQUIRE_THROWS_WITH(energyCount(spectrum, -0.1), ContainsSubstring("expected an energy threshold in [0, 1]"));
}

TEST_CASE("A size's threshold is a percentile of all layers' energies", "[Strategy]") {
  const std::vector<std::vector<double>> spectra{{3.0, 1.0}, {1.0, 1.0}, {0.0, 0.0}};
  // Energies before each unit: 0, 0.75; 0, 0.5; 1, 1. Sorted: 0, 0, 0.5, 0.75, 1, 1.
  REQUIRE(near(sizeThreshold(spectra, 0.4), 0.5));
  REQUIRE(near(sizeThreshold(spectra, 0.5), 0.625));
  REQUIRE(sizeThreshold(spectra, 0.0) == 1e-8);
  REQUIRE(sizeThreshold(spectra, 1.0) == 1.0 - 1e-8);
  REQUIRE(near(sizeThreshold(spectra, 0.5, 0.6), 0.4));
  REQUIRE_THROWS_WITH(sizeThreshold(spectra, 2.0), ContainsSubstring("expected a relative size in [0, 1]"));
  REQUIRE_THROWS_WITH(sizeThreshold({}, 0.5), ContainsSubstring("expected at least one layer"));
}

TEST_CASE("What is no spectrum is refused", "[Strategy]") {
  REQUIRE_THROWS_WITH(klDivergence({}), ContainsSubstring("expected at least one eigenvalue"));
  for (const std::vector<double>& wrong : {std::vector{1.0, 2.0}, std::vector{1.0, -1.0}, std::vector{std::nan("")}}) {
    REQUIRE_THROWS_WITH(klDivergence(wrong), ContainsSubstring("descending order"));
    REQUIRE_THROWS_WITH(energyCount(wrong, 0.5), ContainsSubstring("descending order"));
  }
}

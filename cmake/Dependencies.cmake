# Finds Eigen, oneDNN and OpenMP, and whether the Python modules can be built. What pip installed is found through the
# hints of PythonPrefix.cmake; an installation named by CMAKE_PREFIX_PATH, Eigen3_DIR or dnnl_DIR goes before it.

find_package(OpenMP REQUIRED COMPONENTS CXX GLOBAL)

# aidge_eigen: Eigen with the macros that all who include it must agree on.
add_library(aidge_eigen INTERFACE)
target_compile_definitions(aidge_eigen INTERFACE EIGEN_DONT_PARALLELIZE EIGEN_NO_DEBUG)
if(NOT AIDGE_VENDOR_EIGEN)
    find_package(Eigen3 3.4 CONFIG QUIET HINTS ${AIDGE_Eigen3_HINT})
endif()
if(TARGET Eigen3::Eigen AND NOT AIDGE_VENDOR_EIGEN)
    target_link_libraries(aidge_eigen INTERFACE Eigen3::Eigen)
else()
    message(STATUS "Eigen 3.4 through FetchContent")
    include(FetchContent)
    FetchContent_Declare(eigen URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
        URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72 SOURCE_SUBDIR no-cmake)
    FetchContent_MakeAvailable(eigen)
    target_include_directories(aidge_eigen SYSTEM INTERFACE "${eigen_SOURCE_DIR}")
endif()

find_package(dnnl 3.2 CONFIG QUIET GLOBAL HINTS ${AIDGE_dnnl_HINT})
if(NOT TARGET DNNL::dnnl)
    message(FATAL_ERROR "oneDNN 3.2 or newer is missing. Expected `pip install onednn-devel-cpu-gomp==2023.2.0` in the "
        "Python environment of the build (${Python_EXECUTABLE}), or -Ddnnl_DIR=<directory of dnnl-config.cmake>.")
endif()

find_package(pybind11 2.13 CONFIG QUIET HINTS ${AIDGE_pybind11_HINT})
if(SKBUILD OR (pybind11_FOUND AND Python_Development.Module_FOUND))
    set(AIDGE_PYTHON_POSSIBLE ON)
else()
    set(AIDGE_PYTHON_POSSIBLE OFF)
endif()

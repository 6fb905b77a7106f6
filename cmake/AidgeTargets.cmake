# How our own targets are made: sources, instruction sets, warnings, run paths.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(AIDGE_X86_64 ON)
else()
    set(AIDGE_X86_64 OFF)
endif()

# aidge_sources(<out> <folder> [EXCLUDE <prefix>]): the .cpp files below a folder, relative to the top level.
# Files named *_avx2.cpp and *_avx512.cpp are left out on other processors than x86-64.
function(aidge_sources out folder)
    cmake_parse_arguments(arg "" "EXCLUDE" "" ${ARGN})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
    if(arg_EXCLUDE)
        list(FILTER found EXCLUDE REGEX "^${arg_EXCLUDE}")
    endif()
    if(NOT AIDGE_X86_64)
        list(FILTER found EXCLUDE REGEX "_avx(2|512)\\.cpp$")
    endif()
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# aidge_options(<target>): the compile options that all our targets share.
function(aidge_options target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -fno-math-errno
        # GCC 12 reports both inside the standard library at -O3 where nothing is wrong (GCC bugs 105329, 105562).
        $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized>
        $<$<BOOL:${AIDGE_WERROR}>:-Werror>)
    target_compile_definitions(${target} PRIVATE AIDGE_VERSION="${PROJECT_VERSION}")
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    if(AIDGE_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    endif()
endfunction()

# aidge_library(<name> <sources>): a shared library of ours.
# AIDGE_HAVE_AVX2 and AIDGE_HAVE_AVX512 tell its sources that the kernels of that instruction set are in the library;
# whether the processor has them is asked at run time.
function(aidge_library name sources)
    if(NOT sources)
        set(sources "${PROJECT_BINARY_DIR}/empty.cpp")
        file(WRITE "${sources}" "")
    endif()
    add_library(${name} SHARED ${sources})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${name} PUBLIC
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    aidge_options(${name})

    set(avx2 ${sources})
    list(FILTER avx2 INCLUDE REGEX "_avx2\\.cpp$")
    set(avx512 ${sources})
    list(FILTER avx512 INCLUDE REGEX "_avx512\\.cpp$")
    set_property(SOURCE ${avx2} APPEND PROPERTY COMPILE_OPTIONS -mavx2 -mfma)
    set_property(SOURCE ${avx512} APPEND PROPERTY COMPILE_OPTIONS -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC 12 warns about its own AVX-512 headers (GCC bug 105593).
        set_property(SOURCE ${avx512} APPEND PROPERTY COMPILE_OPTIONS -Wno-uninitialized -Wno-maybe-uninitialized)
    endif()
    if(avx2)
        target_compile_definitions(${name} PRIVATE AIDGE_HAVE_AVX2)
    endif()
    if(avx512)
        target_compile_definitions(${name} PRIVATE AIDGE_HAVE_AVX512)
    endif()
endfunction()

# How our own targets are made: sources, instruction sets, warnings, precompiled headers, unity builds.

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
        # GCC 12 reports these inside the standard library at -O3, although nothing is wrong (GCC bugs 105329, 105562).
        $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized>
        $<$<BOOL:${AIDGE_WERROR}>:-Werror>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE
            -fpch-preprocess # lets ccache work with precompiled headers
            "SHELL:--param ggc-min-expand=1000 --param ggc-min-heapsize=1000000") # a tenth less compile time for up to 1 GB more memory
    endif()
    target_compile_definitions(${target} PRIVATE AIDGE_VERSION="${PROJECT_VERSION}")
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    if(AIDGE_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${AIDGE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=${AIDGE_SANITIZE})
    endif()
endfunction()

# aidge_objects(<name> <sources>): objects of one kind. The libraries are made of them; the C++ tests are linked to them directly,
# because they also test what the libraries do not export.
function(aidge_objects name sources)
    add_library(${name} OBJECT ${sources})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/src")
    aidge_options(${name})
    aidge_instruction_sets(${name} "${sources}")
endfunction()

# aidge_library(<name> OBJECTS <targets>): a library of ours, shared or static as BUILD_SHARED_LIBS says. Aidge::<name> names it here as it
# does after find_package.
function(aidge_library name)
    cmake_parse_arguments(arg "" "" "OBJECTS" ${ARGN})
    list(TRANSFORM arg_OBJECTS REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
    add_library(${name} ${arg_OBJECTS})
    add_library(Aidge::${name} ALIAS ${name})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_include_directories(${name} INTERFACE
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    aidge_options(${name})
    if(NOT BUILD_SHARED_LIBS)
        # Operators and kernels register themselves; no symbol of their objects is named elsewhere, so the linker has to take all objects.
        target_link_options(${name} INTERFACE "LINKER:--whole-archive,$<TARGET_FILE:Aidge::${name}>,--no-whole-archive")
    elseif(NOT SKBUILD)  # a wheel keeps no symbolic links
        set_target_properties(${name} PROPERTIES VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
    endif()
endfunction()

# aidge_instruction_sets(<target> <sources>): the compile options of *_avx2.cpp and *_avx512.cpp.
# AIDGE_HAVE_AVX2 and AIDGE_HAVE_AVX512 tell all sources, also those of targets without such files, that kernels of that instruction set are
# built; core/InstructionSet.cpp, which asks the processor at run time, is in another target than the kernels.
function(aidge_instruction_sets name sources)
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
    if(AIDGE_X86_64)
        target_compile_definitions(${name} PRIVATE AIDGE_HAVE_AVX2 AIDGE_HAVE_AVX512)
    endif()
endfunction()

# aidge_precompile(<target> [<header> ...]): the standard headers that most sources include, and more of them, compiled once.
# Our own headers are left out: a change of one would compile everything again.
function(aidge_precompile target)
    if(NOT AIDGE_PRECOMPILE)
        return()
    endif()
    list(TRANSFORM ARGN REPLACE "(.+)" "<\\1>" OUTPUT_VARIABLE more)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <cmath> <cstdint> <functional> <limits> <map> <memory>
        <mutex> <numeric> <optional> <set> <span> <stdexcept> <string> <string_view> <tuple> <unordered_map> <unordered_set>
        <utility> <variant> <vector> ${more})
    get_target_property(sources ${target} SOURCES)
    list(FILTER sources INCLUDE REGEX "_avx(2|512)\\.cpp$")
    set_property(SOURCE ${sources} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# aidge_unity(<target> <batch> [EXCLUDE <prefix>]): compiles the sources of each folder together, about <batch> of them at a time.
# Left alone are sources with options of their own (CMake does that) and those of which there is a twin for another
# instruction set: their macros and namespaces must not meet. So is what a program may link without the rest (CpuBackend).
function(aidge_unity target batch)
    cmake_parse_arguments(arg "" "EXCLUDE" "" ${ARGN})
    set_target_properties(${target} PROPERTIES UNITY_BUILD "${AIDGE_UNITY}" UNITY_BUILD_MODE GROUP)
    get_target_property(sources ${target} SOURCES)
    set(twins ${sources})
    list(FILTER twins INCLUDE REGEX "_avx2\\.cpp$")
    list(TRANSFORM twins REPLACE "_avx2" "")
    list(REMOVE_ITEM sources ${twins})
    list(FILTER sources EXCLUDE REGEX "/CpuBackend\\.cpp$")
    if(arg_EXCLUDE)
        list(FILTER sources EXCLUDE REGEX "^${arg_EXCLUDE}")
    endif()
    set(folders)
    foreach(source IN LISTS sources)
        get_filename_component(folder "${source}" DIRECTORY)
        string(MAKE_C_IDENTIFIER "${target}_${folder}" folder)
        list(APPEND folders ${folder})
        list(APPEND members_${folder} ${source})
    endforeach()
    list(REMOVE_DUPLICATES folders)
    foreach(folder IN LISTS folders)
        list(LENGTH members_${folder} count)
        math(EXPR batches "(${count} + ${batch} - 1) / ${batch}")
        set(index 0)
        foreach(source IN LISTS members_${folder})
            math(EXPR group "${index} * ${batches} / ${count}")
            math(EXPR index "${index} + 1")
            set_property(SOURCE ${source} PROPERTY UNITY_GROUP "${folder}_${group}")
        endforeach()
    endforeach()
endfunction()

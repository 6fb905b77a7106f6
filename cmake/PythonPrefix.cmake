# Finds the Python that we build with and asks it where pip put Eigen, oneDNN and pybind11.
#
# Sets Python_* and AIDGE_<package>_HINT for the packages of python_prefix.py that are installed there.
# Preference: -DPython_EXECUTABLE (scikit-build-core sets it), an active virtual environment, a virtual environment among
# CMAKE_PREFIX_PATH, this directory's own .venv, the system's Python.

if(NOT Python_EXECUTABLE AND NOT DEFINED ENV{VIRTUAL_ENV})
    foreach(prefix IN LISTS CMAKE_PREFIX_PATH ITEMS "${CMAKE_CURRENT_SOURCE_DIR}/.venv")
        if(EXISTS "${prefix}/pyvenv.cfg" AND EXISTS "${prefix}/bin/python")
            set(Python_EXECUTABLE "${prefix}/bin/python")
            break()
        endif()
    endforeach()
endif()

set(Python_FIND_VIRTUALENV FIRST)
set(PYBIND11_FINDPYTHON ON)
find_package(Python 3.10 QUIET COMPONENTS Interpreter OPTIONAL_COMPONENTS Development.Module)

if(Python_Interpreter_FOUND)
    execute_process(
        COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/python_prefix.py"
        OUTPUT_VARIABLE aidge_prefix_lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" aidge_prefix_lines "${aidge_prefix_lines}")
    foreach(line IN LISTS aidge_prefix_lines)
        string(REGEX MATCH "^([^=]+)=(.+)$" _ "${line}")
        set(AIDGE_${CMAKE_MATCH_1}_HINT "${CMAKE_MATCH_2}")
    endforeach()
endif()

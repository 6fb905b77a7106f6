# Compiles one case of a source. With REASON the compiler must refuse it for unsatisfied constraints and name all of REASON
# (separated by ", "); without, it must accept it.
#
#     cmake -DCOMPILE=<command> -DSOURCE=<file> -DCASE=<number> [-DREASON=<words>] -P check.cmake

set(ENV{LC_ALL} C) # the words of the compiler's messages
execute_process(COMMAND ${COMPILE} -fsyntax-only -DCASE=${CASE} "${SOURCE}"
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT REASON)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "Expected that it compiles, got\n${output}")
    endif()
    return()
endif()
if(result EQUAL 0)
    message(FATAL_ERROR "Expected that the compiler refuses it, got no error")
endif()
string(REPLACE ", " ";" words "${REASON}")
foreach(word IN ITEMS "constraints not satisfied" LISTS words)
    string(FIND "${output}" "${word}" place)
    if(place EQUAL -1)
        message(FATAL_ERROR "Expected an error that names \"${word}\", got\n${output}")
    endif()
endforeach()

# What is installed where. In a wheel the libraries lie in the Python packages that load them, and find each other and
# oneDNN relative to themselves; otherwise it is a plain C++ installation with a CMake package.

if(SKBUILD)
    set(dnnl_places "$ORIGIN/../../.." "$ORIGIN/../../../../lib" "$ORIGIN/../lib")
    set_target_properties(aidge_core PROPERTIES INSTALL_RPATH "$ORIGIN")
    set_target_properties(aidge_backend_cpu PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/../aidge_core;${dnnl_places}")
    install(TARGETS aidge_core LIBRARY DESTINATION aidge_core)
    install(TARGETS aidge_backend_cpu LIBRARY DESTINATION aidge_backend_cpu)
    if(AIDGE_BUNDLE_ONEDNN)
        install(FILES "$<TARGET_FILE:DNNL::dnnl>" DESTINATION aidge_backend_cpu
            RENAME "$<TARGET_SONAME_FILE_NAME:DNNL::dnnl>")
    endif()
    if(TARGET _core)
        set_target_properties(_core PROPERTIES INSTALL_RPATH "$ORIGIN")
        install(TARGETS _core LIBRARY DESTINATION aidge_core)
    endif()
    if(TARGET _backend_cpu)
        set_target_properties(_backend_cpu PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/../aidge_core;${dnnl_places}")
        install(TARGETS _backend_cpu LIBRARY DESTINATION aidge_backend_cpu)
    endif()
    return()
endif()

include(CMakePackageConfigHelpers)
get_target_property(dnnl_library DNNL::dnnl LOCATION)
get_filename_component(dnnl_directory "${dnnl_library}" DIRECTORY)
set_target_properties(aidge_core aidge_backend_cpu PROPERTIES INSTALL_RPATH "$ORIGIN;${dnnl_directory}")
install(TARGETS aidge_core aidge_backend_cpu EXPORT aidge-targets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/aidge" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/${PROJECT_NAME}")
install(EXPORT aidge-targets NAMESPACE Aidge:: FILE aidge-compress-targets.cmake DESTINATION "${package_directory}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/aidge-compress-config.cmake.in"
    "${PROJECT_BINARY_DIR}/aidge-compress-config.cmake" INSTALL_DESTINATION "${package_directory}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/aidge-compress-config-version.cmake"
    VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/aidge-compress-config.cmake" "${PROJECT_BINARY_DIR}/aidge-compress-config-version.cmake"
    DESTINATION "${package_directory}")

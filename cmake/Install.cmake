# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# What `cmake --install` puts beside the tools: headers, and a package for
# find_package(AERO). The libraries install themselves, see AeroAddLibrary.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/AERO)

set(headers aero/Runtime)
if(AERO_BUILD_COMPILER)
  set(headers aero aero-c)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/include/aero
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.inc" PATTERN CMakeFiles EXCLUDE)
endif()
foreach(folder ${headers})
  cmake_path(GET folder PARENT_PATH parent)
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/${folder})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/${folder}
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${parent}
      FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
  endif()
endforeach()

get_property(components GLOBAL PROPERTY AERO_COMPONENTS)
list(REMOVE_DUPLICATES components)
foreach(component ${components})
  install(EXPORT AERO${component}Targets NAMESPACE AERO::
    DESTINATION ${package_dir})
endforeach()

configure_package_config_file(cmake/AEROConfig.cmake.in
  ${PROJECT_BINARY_DIR}/AEROConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
# Nothing is promised between versions yet.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AEROConfigVersion.cmake
  COMPATIBILITY ExactVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/AEROConfig.cmake
  ${PROJECT_BINARY_DIR}/AEROConfigVersion.cmake
  DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

include(GNUInstallDirs)
include(GoogleTest)

# aero_add_runtime_library(NAME sources... [LINK libs...])
#
# A library that a client installs: no LLVM or MLIR header or library.
function(aero_add_runtime_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  aero_install_library(${name} Runtime)
endfunction()

# aero_add_compiler_library(NAME sources... [DEPENDS targets...] [LINK libs...]
#                           [COMPONENT component])
#
# A library on top of MLIR. It links the shared libMLIR: mixing it with the
# static archives in one process registers everything twice. COMPONENT is the
# part of the package that it belongs to, Compiler if nothing else is said; one
# that needs more than MLIR belongs to another (see cmake/AEROConfig.cmake.in).
function(aero_add_compiler_library name)
  cmake_parse_arguments(ARG "" "COMPONENT" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  aero_compiler_options(${name})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  # AERO::MLIR, which the package makes, is these two and their headers.
  target_link_libraries(${name} PUBLIC ${ARG_LINK}
    $<BUILD_INTERFACE:MLIR> $<BUILD_INTERFACE:LLVM>
    $<INSTALL_INTERFACE:AERO::MLIR>)
  if(NOT ARG_COMPONENT)
    set(ARG_COMPONENT Compiler)
  endif()
  aero_install_library(${name} ${ARG_COMPONENT})
endfunction()

# aero_install_library(NAME COMPONENT): as AERO::NAME, in a part of the package.
# Tests build the same sources again; only what is below lib/ is installed.
function(aero_install_library name component)
  string(FIND "${CMAKE_CURRENT_SOURCE_DIR}/" "${PROJECT_SOURCE_DIR}/lib/" at)
  if(NOT at EQUAL 0)
    return()
  endif()
  add_library(AERO::${name} ALIAS ${name})
  target_compile_features(${name} PUBLIC cxx_std_20)
  install(TARGETS ${name} EXPORT AERO${component}Targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  set_property(GLOBAL APPEND PROPERTY AERO_COMPONENTS ${component})
endfunction()

# aero_embed_texts(files...)
#
# Each file as a string literal, FILE.inc in the binary folder, to be included
# where the text is wanted.
function(aero_embed_texts)
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    file(CONFIGURE OUTPUT ${file}.inc
      CONTENT "R\"__AERO__(${text})__AERO__\"\n" @ONLY)
  endforeach()
endfunction()

# aero_add_tool(NAME sources... [LINK libs...]): an executable on top of MLIR.
function(aero_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  aero_compiler_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  install(TARGETS ${name} RUNTIME)
endfunction()

# Include paths and flags of a target that uses MLIR.
function(aero_compiler_options name)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  target_include_directories(${name} SYSTEM PUBLIC
    "$<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS};${MLIR_INCLUDE_DIRS}>")
  target_compile_options(${name} PRIVATE -fno-exceptions)
endfunction()

# aero_add_unit_test(NAME sources... [LINK libs...]): a GoogleTest executable,
# registered test by test.
function(aero_add_unit_test name)
  cmake_parse_arguments(ARG "COMPILER" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  if(ARG_COMPILER)
    aero_compiler_options(${name})
    target_link_libraries(${name} PRIVATE MLIR LLVM)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()

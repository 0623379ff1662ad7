# What `cmake --install` puts where, and the Debian packages that `cpack` makes of it: the program, the library that a loop
# of one's own needs to run, and what it needs to be built. A component each.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)
# ./quickstart builds the program alone: what else is installed is built then.
function(install_builds target component)
  install(CODE "
if(NOT EXISTS \"$<TARGET_FILE:${target}>\")
  message(STATUS \"Building: ${target}, which is not built yet\")
  execute_process(COMMAND \"${CMAKE_COMMAND}\" --build \"${PROJECT_BINARY_DIR}\" --parallel --target ${target} COMMAND_ERROR_IS_FATAL ANY)
endif()" COMPONENT ${component})
endfunction()
install_builds(laconic program)
install_builds(laconic_library library)
install_builds(laconic_library development)

install(TARGETS laconic RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES "${PROJECT_BINARY_DIR}/laconic.1.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES "${PROJECT_BINARY_DIR}/laconic.bash" DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME laconic)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The program's pages hold uPlot.
file(READ LICENSE licence)
file(READ third_party/uplot/LICENSE licence_of_uplot)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/copyright" CONTENT "@licence@\n\nuPlot, in report pages:\n\n@licence_of_uplot@\n" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/copyright" DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(config "${CMAKE_INSTALL_LIBDIR}/cmake/laconic")
install(TARGETS laconic_library EXPORT laconicTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES src/laconic/session.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/laconic COMPONENT development)
install(EXPORT laconicTargets NAMESPACE laconic:: DESTINATION ${config} COMPONENT development)
configure_package_config_file(cmake/laconicConfig.cmake.in "${PROJECT_BINARY_DIR}/laconicConfig.cmake"
                              INSTALL_DESTINATION ${config})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/laconicConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/laconicConfig.cmake" "${PROJECT_BINARY_DIR}/laconicConfigVersion.cmake"
        DESTINATION ${config} COMPONENT development)
# Debian wants the licence in each package.
set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(FILES "${PROJECT_BINARY_DIR}/copyright" DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/liblaconic${soversion} COMPONENT library)
install(FILES "${PROJECT_BINARY_DIR}/copyright" DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/liblaconic-dev COMPONENT development)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME laconic)
set(CPACK_PACKAGE_CONTACT "the laconic developers <laconic@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "train one network over many workers' data with little traffic")
set(CPACK_PACKAGE_DESCRIPTION
    "laconic trains one neural network on many workers' data and sends few bytes
between them: dynamic averaging, averaging triggered by an estimate of the
models' variance, compressed gossip and push-sum, in a deterministic simulator
and over MPI, with every byte counted.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
# libtorch takes whatever BLAS there is, and any other is several times slower.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME laconic)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS libopenblas0-pthread)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "dataset-fashion-mnist, openmpi-bin")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME liblaconic${soversion})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS libopenblas0-pthread)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS openmpi-bin)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "The library that programs with a training loop of their own run with.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME liblaconic-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "liblaconic${soversion} (= ${PROJECT_VERSION}), libtorch-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "What programs with a training loop of their own are built with.")
include(CPack)

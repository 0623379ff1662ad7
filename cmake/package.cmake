# What `cmake --install` puts where, and the Debian package that `cpack` makes of it.
include(GNUInstallDirs)

install(TARGETS laconic RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES "${PROJECT_BINARY_DIR}/laconic.1.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES "${PROJECT_BINARY_DIR}/laconic.bash" DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME laconic)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME laconic)
set(CPACK_PACKAGE_CONTACT "the laconic developers <laconic@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "train one network over many workers' data with little traffic")
set(CPACK_PACKAGE_DESCRIPTION
    "laconic trains one deep network over many workers' own data while saying little
over the network: dynamic averaging, averaging triggered by an estimate of the
models' variance, compressed gossip and push-sum, in a deterministic simulator
and over MPI, with every byte counted.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libtorch takes whatever BLAS there is, and any other is several times slower.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-pthread)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "dataset-fashion-mnist, openmpi-bin")
include(CPack)

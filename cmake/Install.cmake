# What `cmake --install` puts where, and the Debian package that CPack makes of it (the preset `package`):
#
#	bin/wye                       the program
#	share/man, share/bash-completion, share/doc/wye
#	lib/systemd/system            the unit and its sockets; lib/sysusers.d the user that it runs as
#	/etc/wye/wye.env              what the unit is started with; nothing starts by itself
include(GNUInstallDirs)

# Below /usr the configuration is /etc, else below the prefix.
set(WYE_SYSCONFDIR ${CMAKE_INSTALL_SYSCONFDIR})
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
	set(WYE_SYSCONFDIR ${CMAKE_INSTALL_FULL_SYSCONFDIR})
endif()

install(TARGETS wye RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The program knows what its pages say.
set(PAGES ${CMAKE_BINARY_DIR}/generated/pages)
file(MAKE_DIRECTORY ${PAGES})
foreach(page wye.1 wye-settings.7 wye.bash)
	add_custom_command(OUTPUT ${PAGES}/${page} COMMAND wye help ${page} > ${PAGES}/${page}.new
		COMMAND ${CMAKE_COMMAND} -E rename ${PAGES}/${page}.new ${PAGES}/${page} DEPENDS wye VERBATIM)
	list(APPEND PAGE_FILES ${PAGES}/${page})
endforeach()
add_custom_target(pages ALL DEPENDS ${PAGE_FILES})
install(FILES ${PAGES}/wye.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PAGES}/wye-settings.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
install(FILES ${PAGES}/wye.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME wye)

# The unit as it is, with the places of this installation.
file(READ ${CMAKE_SOURCE_DIR}/examples/systemd/wye.service unit)
string(REPLACE /usr/bin/wye ${CMAKE_INSTALL_FULL_BINDIR}/wye unit "${unit}")
string(REPLACE /etc/wye/ ${CMAKE_INSTALL_FULL_SYSCONFDIR}/wye/ unit "${unit}")
file(WRITE ${CMAKE_BINARY_DIR}/generated/wye.service "${unit}")
install(FILES ${CMAKE_BINARY_DIR}/generated/wye.service examples/systemd/wye.socket examples/systemd/wye-admin.socket
	examples/systemd/wye-http.socket DESTINATION lib/systemd/system)
install(FILES examples/systemd/wye.sysusers DESTINATION lib/sysusers.d RENAME wye.conf)
# It may hold a password.
install(FILES examples/systemd/wye.env DESTINATION ${WYE_SYSCONFDIR}/wye PERMISSIONS OWNER_READ OWNER_WRITE)

install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY examples/prometheus examples/grafana examples/sidecar DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wye)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "the authors of wye")
set(CPACK_PACKAGE_CONTACT "the authors of wye <wye@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "read/write splitting proxy for MySQL and MariaDB")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "wye puts one MySQL port in front of a primary and its replicas: writes go to the primary, reads to
the replicas, with no rules to write and nothing to change in the application.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cmake/debian/postinst ${CMAKE_SOURCE_DIR}/cmake/debian/prerm
	${CMAKE_SOURCE_DIR}/cmake/debian/postrm ${CMAKE_SOURCE_DIR}/cmake/debian/conffiles)
set(CPACK_STRIP_FILES ON)
# /etc is not below the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
	WORLD_READ WORLD_EXECUTE)
include(CPack)

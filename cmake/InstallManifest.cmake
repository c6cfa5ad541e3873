# What an installation has put where, for `troupe uninstall`: share/troupe/manifest, with a line `f PATH` for each file and `d PATH` for
# each folder that was not there before, below the prefix.

set(troupe_folders)
foreach(folder IN ITEMS "${CMAKE_INSTALL_BINDIR}" "${CMAKE_INSTALL_LIBEXECDIR}/troupe" "${CMAKE_INSTALL_MANDIR}/man1" "${CMAKE_INSTALL_INCLUDEDIR}"
                        "${CMAKE_INSTALL_LIBDIR}/cmake/troupe" share/troupe share/doc/troupe
                        "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
                        "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
  while(folder AND NOT IS_ABSOLUTE "${folder}")
    list(APPEND troupe_folders "${folder}")
    cmake_path(GET folder PARENT_PATH folder)
  endwhile()
endforeach()
list(REMOVE_DUPLICATES troupe_folders)

# Before anything is installed: which folders there will be new ones. A manifest that is there already knows of an earlier installation.
install(CODE "
  set(troupe_root \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
  set(troupe_made)
  foreach(folder IN ITEMS ${troupe_folders})
    if(NOT IS_DIRECTORY \"\${troupe_root}/\${folder}\")
      list(APPEND troupe_made \"d \${folder}\")
    endif()
  endforeach()
  if(EXISTS \"\${troupe_root}/share/troupe/manifest\")
    file(STRINGS \"\${troupe_root}/share/troupe/manifest\" troupe_before)
    list(APPEND troupe_made \${troupe_before})
  endif()
")

function(troupe_write_manifest)
  install(CODE "
    foreach(file IN LISTS CMAKE_INSTALL_MANIFEST_FILES)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
      list(APPEND troupe_made \"f \${file}\")
    endforeach()
    list(SORT troupe_made)
    list(REMOVE_DUPLICATES troupe_made)
    list(JOIN troupe_made \"\\n\" troupe_made)
    file(WRITE \"\${troupe_root}/share/troupe/manifest\" \"\${troupe_made}\\n\")
  ")
endfunction()

# Finds libvterm's static archive, so that the worker starts without a dynamic linker: VTerm::vterm.
find_path(VTERM_INCLUDE_DIR vterm.h)
find_library(VTERM_LIBRARY NAMES libvterm.a vterm)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(VTerm REQUIRED_VARS VTERM_LIBRARY VTERM_INCLUDE_DIR)
if(VTerm_FOUND AND NOT TARGET VTerm::vterm)
  add_library(VTerm::vterm UNKNOWN IMPORTED)
  set_target_properties(VTerm::vterm PROPERTIES
    IMPORTED_LOCATION "${VTERM_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${VTERM_INCLUDE_DIR}")
endif()

# Finds libmd, which ships no CMake package: LibMD::md, the static archive, since one hash is all that is needed of it.
find_path(LIBMD_INCLUDE_DIR sha2.h)
find_library(LIBMD_LIBRARY NAMES libmd.a md)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibMD REQUIRED_VARS LIBMD_LIBRARY LIBMD_INCLUDE_DIR)
if(LibMD_FOUND AND NOT TARGET LibMD::md)
  add_library(LibMD::md UNKNOWN IMPORTED)
  set_target_properties(LibMD::md PROPERTIES
    IMPORTED_LOCATION "${LIBMD_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LIBMD_INCLUDE_DIR}")
endif()

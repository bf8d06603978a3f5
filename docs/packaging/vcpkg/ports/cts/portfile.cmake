# SPDX-License-Identifier: BSL-1.0
set(VCPKG_BUILD_TYPE release)  # headers only
vcpkg_from_git(
  OUT_SOURCE_PATH SOURCE_PATH
  URL https://example.invalid/cts.git
  REF 0000000000000000000000000000000000000000
)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}")
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/cts)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/lib")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")

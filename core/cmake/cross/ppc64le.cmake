# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/ppc64le.cmake: POWER, little-endian.
set(CTS_CROSS_TRIPLE powerpc64le-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR ppc64le)
set(CTS_CROSS_QEMU qemu-ppc64le)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

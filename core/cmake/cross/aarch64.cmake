# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/aarch64.cmake: 64-bit ARM.
set(CTS_CROSS_TRIPLE aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CTS_CROSS_QEMU qemu-aarch64)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

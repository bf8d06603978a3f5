# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/i686.cmake: 32-bit x86.
set(CTS_CROSS_TRIPLE i686-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CTS_CROSS_QEMU qemu-i386)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

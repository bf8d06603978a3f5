# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/i686.cmake: 32-bit x86.
set(CTS_CROSS_TRIPLE i686-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR i686)
# The kernel of an x86-64 machine runs these programs. Under qemu-i386 7.2 programs with threads did not end here.
set(CTS_CROSS_QEMU native)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

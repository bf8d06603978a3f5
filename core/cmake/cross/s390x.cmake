# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/s390x.cmake: IBM Z, the big-endian one.
set(CTS_CROSS_TRIPLE s390x-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CTS_CROSS_QEMU qemu-s390x)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

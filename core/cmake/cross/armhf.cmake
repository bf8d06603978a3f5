# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/armhf.cmake: 32-bit ARM with hardware floating point.
set(CTS_CROSS_TRIPLE arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CTS_CROSS_QEMU qemu-arm)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

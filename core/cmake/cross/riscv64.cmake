# SPDX-License-Identifier: BSL-1.0
# cmake --toolchain core/cmake/cross/riscv64.cmake: 64-bit RISC-V.
set(CTS_CROSS_TRIPLE riscv64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CTS_CROSS_QEMU qemu-riscv64)
include("${CMAKE_CURRENT_LIST_DIR}/linux.inc.cmake")

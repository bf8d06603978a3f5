# SPDX-License-Identifier: BSL-1.0
# What the Linux targets share: Debian's cross compiler CTS_CROSS_TRIPLE-g++, and its programs run by qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CXX_COMPILER ${CTS_CROSS_TRIPLE}-g++)
set(CMAKE_C_COMPILER ${CTS_CROSS_TRIPLE}-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/emulate.sh ${CTS_CROSS_QEMU} /usr/${CTS_CROSS_TRIPLE})
# Packages, headers and libraries of the machine that builds are none of the target's.
set(CMAKE_FIND_ROOT_PATH /usr/${CTS_CROSS_TRIPLE})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)

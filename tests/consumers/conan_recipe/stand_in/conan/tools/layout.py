# SPDX-License-Identifier: BSL-1.0
def basic_layout(conanfile, src_folder):
    conanfile.src_folder = src_folder
